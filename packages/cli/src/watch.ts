import { resolve } from 'node:path';
import { OPTIONS, send } from '@lastcall/supervisor';
import { Command } from 'commander';
import { showStatus } from './show.ts';

const EVERY_MS = 1_000;

type Status = Parameters<typeof showStatus>[0] & {
  state: string;
  in_flight: number;
  workers_retiring: number;
  workers_live: number;
};

/** `lastcall watch`: the node as it changes; plain lines where the output is no terminal. */
export function watchCommand(): Command {
  return new Command('watch')
    .description('follow a node in the terminal; one line for each change when piped')
    .option(
      '--control <PATH>',
      'control socket',
      process.env.LASTCALL_CONTROL ?? OPTIONS.control.default,
    )
    .action(({ control }: { control: string }) =>
      process.stdout.isTTY ? onScreen(resolve(control)) : asLines(resolve(control)),
    );
}

const ask = (control: string): Promise<Status> =>
  send(control, { verb: 'status', args: {} }) as Promise<Status>;

const pause = (): Promise<void> => new Promise((go) => setTimeout(go, EVERY_MS));

/** Draws the node anew each second, on the terminal's other screen. Ends with the node, or on Ctrl-C. */
async function onScreen(control: string): Promise<void> {
  let status = await ask(control);
  const leave = (): void => void process.stdout.write('\u001B[?1049l');
  process.stdout.write('\u001B[?1049h');
  process.once('exit', leave);
  process.once('SIGINT', () => process.exit(0));
  for (;;) {
    const text = showStatus(status).replaceAll('\n', '\u001B[K\n');
    process.stdout.write(`\u001B[H${text}\u001B[K\u001B[J`);
    await pause();
    const next = await ask(control).catch(() => undefined);
    if (!next) break;
    status = next;
  }
  process.off('exit', leave);
  leave();
  process.stdout.write('the node has gone\n');
}

/** One line for each change of state, work in flight or workers. */
async function asLines(control: string): Promise<void> {
  let last = '';
  let next: Status | undefined = await ask(control);
  while (next) {
    const { state, in_flight: held, workers_live: live, workers_retiring: retiring } = next;
    const line = `${state}, in flight ${held}, workers ${live}, retiring ${retiring}, generation ${next.generation}`;
    if (line !== last) process.stdout.write(`${new Date().toISOString()} ${line}\n`);
    last = line;
    await pause();
    next = await ask(control).catch(() => undefined);
  }
  process.stdout.write(`${new Date().toISOString()} gone\n`);
}
