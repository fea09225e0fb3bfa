import { EdgeError } from '@lastcall/edge';
import { PlannerError } from '@lastcall/planner';
import { SupervisorError } from '@lastcall/supervisor';
import { Command, CommanderError } from 'commander';
import { controlCommands } from './control.ts';
import { drillCommand } from './drill.ts';
import { nodeCommand } from './node.ts';
import { planCommand } from './plan.ts';
import { podCommand } from './pod.ts';
import { serveCommand } from './serve.ts';
import { stopsCommand } from './stops.ts';
import { watchCommand } from './watch.ts';

/** Runs `lastcall VERB ...`; returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  // What follows a first `--` is a program of its own, whose flags are none of ours.
  const split = argv.indexOf('--');
  const own = split === -1 ? argv : argv.slice(0, split);
  const foreign = split === -1 ? undefined : argv.slice(split + 1);
  let code = 0;
  const program = new Command('lastcall')
    .description('Stops, reloads and upgrades services without dropping anything.')
    .exitOverride()
    .addCommand(
      serveCommand(foreign, (exitCode) => {
        code = exitCode;
      }),
    );
  program.addCommand(nodeCommand()).addCommand(planCommand()).addCommand(stopsCommand());
  program.addCommand(watchCommand());
  program.addCommand(
    podCommand(foreign, (exitCode) => {
      code = exitCode;
    }),
  );
  program.addCommand(
    drillCommand(foreign, (exitCode) => {
      code = exitCode;
    }),
  );
  for (const command of controlCommands()) program.addCommand(command);
  for (const command of program.commands) command.exitOverride().showSuggestionAfterError();
  try {
    await program.parseAsync(own, { from: 'user' });
    return code;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const known = [SupervisorError, EdgeError, PlannerError].some((kind) => error instanceof kind);
  if (!known) throw error;
  const { message, exitCode } = error as SupervisorError;
  process.stderr.write(`lastcall: ${message}\n`);
  return exitCode;
}
