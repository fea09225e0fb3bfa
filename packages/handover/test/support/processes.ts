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
  child.on('message', (message: { said?: string }) => {
    if (message.said) said.push(message.said);
  });
  for (;;) {
    const [message] = (await once(child, 'message')) as [{ ready?: string }];
    if (message.ready) break;
  }
  return { child, pid: child.pid ?? 0, said, exit };
}
