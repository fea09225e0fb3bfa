import { resolve } from 'node:path';
import { CONTROL_SOCKET } from '@lastcall/supervisor/client';
import { Command } from 'commander';
import { follow } from './watch/follow.ts';
import { asJson, asLines } from './watch/lines.ts';
import { onScreen } from './watch/screen.ts';

interface Flags {
  control: string;
  json?: boolean;
}

/** `lastcall watch`: the node as it changes; plain lines where the output is no terminal. */
export function watchCommand(): Command {
  return new Command('watch')
    .description('follow a node in the terminal; one line for each change when piped')
    .option('--control <PATH>', 'control socket', process.env.LASTCALL_CONTROL || CONTROL_SOCKET)
    .option('--json', 'one line of JSON for each look')
    .action(({ control, json }: Flags) => {
      const path = resolve(control);
      if (json) return follow(path, asJson());
      // A dumb terminal can neither move its cursor nor clear a line.
      if (process.stdout.isTTY && process.env.TERM !== 'dumb') return onScreen(path);
      return follow(path, asLines());
    });
}
