import { Command, CommanderError } from 'commander';
import { addCommands } from './commands.ts';
import { EXAMPLES } from './examples.ts';
import { printable, tolerateClosedOutput } from './output.ts';
import { VERSION } from './version.ts';

/** Runs `lastcall VERB ...`; returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  tolerateClosedOutput();
  // What follows a first `--` is a program of its own, whose flags are none of ours.
  const split = argv.indexOf('--');
  const own = split === -1 ? argv : argv.slice(0, split);
  const foreign = split === -1 ? undefined : argv.slice(split + 1);
  let code = 0;
  const done = (exitCode: number): void => {
    code = exitCode;
  };
  const program = new Command('lastcall')
    .description('Stops, reloads and upgrades services without dropping anything.')
    .version(VERSION, '-V, --version', 'print the version')
    .addHelpText('after', '\nlastcall COMMAND --help shows its options, with examples.');
  await addCommands(program, own, { foreign, done });
  for (const command of program.commands)
    command.addHelpText('after', EXAMPLES[command.name()] ?? '');
  program.configureOutput({ outputError: (text, write) => write(printable(text)) });
  inherit(program, program);
  try {
    await program.parseAsync(own, { from: 'user' });
    return code;
  } catch (error) {
    return report(error);
  }
}

/** Commands that are added ready-made take over nothing from their parent by themselves. */
function inherit(program: Command, command: Command): void {
  command.copyInheritedSettings(program).exitOverride().showSuggestionAfterError();
  for (const child of command.commands) inherit(program, child);
}

/** The errors of every package that a user can put right say the exit code. */
interface Known extends Error {
  readonly exitCode: number;
}

const isKnown = (error: unknown): error is Known => error instanceof Error && 'exitCode' in error;

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!isKnown(error)) throw error;
  process.stderr.write(`lastcall: ${printable(error.message).trimEnd()}\n`);
  return error.exitCode;
}
