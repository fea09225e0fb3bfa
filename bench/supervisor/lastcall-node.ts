// A node under `lastcall serve` for the bench: in a folder of its own, ended by `stop`.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from '@lastcall/supervisor';

const CLI = new URL('../../packages/cli/bin/lastcall.js', import.meta.url).pathname;
const APP = new URL('lastcall-app.ts', import.meta.url).pathname;

export interface BenchNode {
  port: number;
  child: ChildProcess;
  ask: (verb: string, args?: Record<string, unknown>) => Promise<unknown>;
  stop: () => Promise<void>;
}

export async function startLastcall(args: string[] = []): Promise<BenchNode> {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-bench-'));
  const flags = [
    '--workers',
    '2',
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--prove-ms',
    '200',
    ...args,
  ];
  const child = spawn(process.execPath, [CLI, 'serve', ...flags, APP], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (text.length > 10_000) return;
      text += chunk.toString();
      const match = /ready: .*:(\d+) \(pid/.exec(text);
      if (match) resolve(Number(match[1]));
    });
    child.once('exit', (code) => reject(new Error(`exit code ${code}: ${text}`)));
  });
  const ask: BenchNode['ask'] = (verb, args = {}) =>
    send(join(dir, '.lastcall/control.sock'), { verb, args });
  return {
    port,
    child,
    ask,
    async stop() {
      await ask('stop', { quick: true });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
