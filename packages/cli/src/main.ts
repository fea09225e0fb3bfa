import { EdgeError } from '@lastcall/edge';
import { PlannerError } from '@lastcall/planner';
import { SupervisorError } from '@lastcall/supervisor';
import { Command, CommanderError } from 'commander';
import { controlCommands } from './control.ts';
import { drillCommand } from './drill.ts';
import { UsageError } from './errors.ts';
import { EXAMPLES } from './examples.ts';
import { nodeCommand } from './node.ts';
import { printable, tolerateClosedOutput } from './output.ts';
import { planCommand } from './plan.ts';
import { podCommand } from './pod.ts';
import { serveCommand } from './serve.ts';
import { stopsCommand } from './stops.ts';
import { VERSION } from './version.ts';
import { watchCommand } from './watch.ts';

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
    .commandsGroup('A node:')
    .addCommand(serveCommand(foreign, done));
  for (const command of controlCommands()) program.addCommand(command);
  program
    .addCommand(watchCommand())
    .addCommand(stopsCommand())
    .commandsGroup('Behind a load balancer, and in Kubernetes:')
    .addCommand(nodeCommand())
    .addCommand(podCommand(foreign, done))
    .commandsGroup('Before it matters:')
    .addCommand(drillCommand(foreign, done))
    .addCommand(planCommand())
    .addHelpText('after', '\nlastcall COMMAND --help shows its options, with examples.');
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

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const known = [SupervisorError, EdgeError, PlannerError, UsageError].some(
    (kind) => error instanceof kind,
  );
  if (!known) throw error;
  const { message, exitCode } = error as SupervisorError;
  process.stderr.write(`lastcall: ${printable(message).trimEnd()}\n`);
  return exitCode;
}
