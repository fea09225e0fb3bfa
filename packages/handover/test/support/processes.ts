import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface WorkerProcess {
  child: ChildProcess;
  pid: number;
  said: string[];
  exit: Promise<{ code: number | null; signal: string | null }>;
}

/** Starts a worker process and waits until it is ready. */
export async function startWorker(
  url: string,
  env: NodeJS.ProcessEnv = {},
): Promise<WorkerProcess> {
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), {
    env: { ...process.env, DATABASE_URL: url, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const said: string[] = [];
  const exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const ready = Promise.withResolvers<void>();
  // Messages that come together are all emitted before a promise goes on: `once` would miss some.
  child.on('message', (message: { said?: string; ready?: string }) => {
    if (message.said) said.push(message.said);
    if (message.ready) ready.resolve();
  });
  void exit.then(({ code, signal }) =>
    ready.reject(new Error(`the worker ended with ${code ?? signal} before it was ready`)),
  );
  await ready.promise;
  return { child, pid: child.pid ?? 0, said, exit };
}
