import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '@lastcall/supervisor';
import { APP, CLI, NODE } from '../../supervisor/test/support/node.ts';
import { hasTerminal, Terminal } from './support/terminal.ts';

const skip = hasTerminal() ? false : 'tmux is not installed and cannot be';

test(
  'serve in a terminal: resizing changes nothing, closing it stops',
  { skip, timeout: 60_000 },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'lastcall-serve-terminal-'));
    t.after(() => rmSync(dir, { recursive: true }));
    const control = join(dir, 'control.sock');
    const ask = (verb: string) =>
      send(control, { verb, args: {} }) as Promise<{ pid: number; state: string }>;
    {
      const serve = `${NODE} ${CLI} serve --workers 1 --port 0 --control ${control} ${APP}`;
      await using terminal = new Terminal(serve, { columns: 160, rows: 30 });
      await terminal.shows(/ready: 1 workers/);
      terminal.resize(120, 20);
      const { pid } = await ask('status');
      process.kill(pid, 'SIGWINCH');
      process.kill(pid, 'SIGTTIN');
      await terminal.shows(/w2 is ready/);
      assert.equal((await ask('status')).state, 'ready', terminal.screen());
    }
    while (existsSync(control)) await sleep(50);
    assert.match(readFileSync(join(dir, 'stops.jsonl'), 'utf8'), /SIGHUP of a closed terminal/);
  },
);
