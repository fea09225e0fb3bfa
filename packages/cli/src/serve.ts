import { Console } from '@lastcall/console';
import { environmentOf, flagOf, OPTION_NAMES, OPTIONS, serve } from '@lastcall/supervisor';
import { Command, Option } from 'commander';
import { UsageError } from './errors.ts';

/**
 * `lastcall serve [options] APP` and `lastcall serve [options] -- COMMAND ...`. The flags are made
 * from the supervisor's one declaration of its options.
 */
export function serveCommand(foreign: string[] | undefined, done: (code: number) => void): Command {
  const command = new Command('serve')
    .description('serve a Node entry, or any program that takes inherited sockets')
    .argument('[app]', 'Node entry that uses the library; or: -- COMMAND ARGUMENTS...')
    .option('--config <PATH>', 'configuration file (default: lastcall.yaml, where there is one)');
  for (const name of OPTION_NAMES) {
    const {
      doc,
      value,
      default: fallback,
    } = OPTIONS[name] as { doc: string; value?: string; default: unknown };
    const shown =
      fallback === undefined || fallback === false ? '' : ` (default ${JSON.stringify(fallback)})`;
    const flags = value === undefined ? flagOf(name) : `${flagOf(name)} <${value}>`;
    const option = new Option(flags, `${doc}${shown} [${environmentOf(name)}]`);
    // A list may also be given one by one.
    if (value?.endsWith(',...')) option.argParser(joined);
    command.addOption(option);
  }
  return command.action(async (app: string | undefined, flags: Record<string, unknown>) => {
    if (foreign && foreign.length > 0 && app !== undefined)
      throw new UsageError(
        `expected a Node entry (lastcall serve APP) or a command (lastcall serve -- COMMAND ...), got both: ${app} and -- ${foreign.join(' ')}.`,
      );
    const target =
      foreign && foreign.length > 0 ? { command: foreign } : app === undefined ? {} : { app };
    const { config: configFile, ...options } = flags as { config?: string };
    const sources = { flags: options, target, env: process.env, cwd: process.cwd(), configFile };
    done(await serve(sources, (view) => new Console(view)));
  });
}

const joined = (more: string, before: string | undefined): string =>
  before === undefined ? more : `${before},${more}`;
