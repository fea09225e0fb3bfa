import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { CLI, NODE } from '../../../supervisor/test/support/node.ts';

export interface Ended {
  code: number;
  out: string;
  err: string;
}

export const start = (...args: string[]) =>
  spawn(NODE, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });

/** Runs the command to its end. */
export const lastcall = (...args: string[]): Promise<Ended> => ended(start(...args));

/** What the child has printed until its end. */
export async function ended(
  child: ChildProcessByStdio<Writable | null, Readable, Readable>,
): Promise<Ended> {
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}
