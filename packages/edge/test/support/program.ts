import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that a node may be; it ends on SIGTERM unless it is `stubborn`. */
export function program(
  t: { after(end: () => unknown): void },
  stubborn = false,
): ChildProcess & { pid: number; ended: Promise<unknown[]>; ready: Promise<unknown[]> } {
  const script = stubborn ? "process.on('SIGTERM', () => {});" : '';
  const child = spawn(
    process.execPath,
    ['-e', `${script}setInterval(() => {}, 1000);console.log('ready')`],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return Object.assign(child, { pid: child.pid!, ended, ready: once(child.stdout, 'data') });
}
