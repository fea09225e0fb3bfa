import { resolve } from 'node:path';
import { CONTROL_SOCKET, send } from '@lastcall/supervisor/client';
import { Command } from 'commander';
import { ask, understand } from './ask.ts';
import { printable } from './output.ts';
import { whole } from './parse.ts';
import { showStatus, showWorkers } from './show.ts';

interface Common {
  control: string;
  json?: boolean;
}

type Show = (result: unknown) => string;

/** What only tells of the node is answered in a few seconds; all else may wait long for work to end. */
const LOOKS = new Set(['status', 'workers']);
const LOOK_MS = 10_000;

/** The verbs that talk to a running supervisor over its control socket. */
export function controlCommands(): Command[] {
  return [
    verb('status', 'what the node does', showStatus as Show),
    verb('workers', 'the workers of the node', showWorkers as Show),
    verb('reload', 'replace all workers by new ones', () => 'reloaded: all workers replaced'),
    verb(
      'upgrade',
      'replace the supervisor itself, with its workers',
      () => 'upgraded: a new supervisor has taken over',
    ),
    verb(
      'drain',
      'refuse new work on every worker',
      (result) => `draining: ${(result as { inFlight: number }).inFlight} in flight`,
    ),
    verb('resume', 'undo a drain or a pause', (result) => (result as { message: string }).message),
    verb(
      'stop',
      'stop the node and wait until it has stopped',
      (result) => `stopped (exit code ${(result as { exit_code: number }).exit_code})`,
    ).option('--quick', 'cancel what runs'),
    verb(
      'scale',
      'set the number of workers',
      (result) => `workers wanted: ${(result as { workers_wanted: number }).workers_wanted}`,
    ).argument('<workers>', 'how many', whole(1, 1_024)),
    verb('logs', 'the last lines of the log', () => '')
      .option('-n, --lines <N>', 'how many', whole(0, 1e9), 100)
      .option('-f, --follow', 'go on until interrupted'),
  ];
}

function verb(name: string, description: string, show: Show): Command {
  const command = new Command(name)
    .description(description)
    .option('--control <PATH>', 'control socket', process.env.LASTCALL_CONTROL || CONTROL_SOCKET)
    .option('--json', 'print JSON');
  return command.action(async (...given: unknown[]) => {
    const { control, json, ...options } = command.opts<Common>();
    const args = { ...options, ...(name === 'scale' ? { workers: given[0] } : {}) };
    const enough = new AbortController();
    if (name === 'logs') process.stdout.once('error', () => enough.abort());
    const print = (line: string): void => {
      process.stdout.write(json ? `${JSON.stringify({ line: line.trimEnd() })}\n` : line);
    };
    const path = resolve(control);
    // A supervisor that hangs is told before anything is asked of it that it may do when nobody waits any more.
    const looked = await ask(path, LOOKS.has(name) ? name : 'workers', LOOK_MS);
    const result = LOOKS.has(name)
      ? looked
      : await send(path, { verb: name, args }, print, enough.signal);
    if (name === 'logs') return;
    const text = json
      ? JSON.stringify(result, null, 2)
      : printable(understand(path, () => show(result)));
    process.stdout.write(`${text}\n`);
  });
}
