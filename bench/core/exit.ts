import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.ts';

const SERVER = fileURLToPath(new URL('slow-server.ts', import.meta.url));

/** Median milliseconds from the last byte of the last answer to the end of the process. */
export async function exitLatencyMs(runs: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i += 1) {
    const { lastByteMs, exitMs } = await stopOnce({ graceMs: 10_000, path: '/slow' });
    times.push(exitMs - lastByteMs);
  }
  return median(times);
}

/** Milliseconds by which the exit after a handler that never ends misses graceMs + forceMs. */
export async function deadlineMissMs(runs: number): Promise<number> {
  const misses: number[] = [];
  for (let i = 0; i < runs; i += 1) {
    const { signalMs, exitMs } = await stopOnce({ graceMs: 500, forceMs: 500, path: '/hang' });
    misses.push(exitMs - signalMs - 1_000);
  }
  return median(misses);
}

async function stopOnce(options: { graceMs: number; forceMs?: number; path: string }) {
  const server = spawn(process.execPath, [SERVER], {
    env: {
      ...process.env,
      GRACE_MS: String(options.graceMs),
      FORCE_MS: String(options.forceMs ?? 1_000),
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(server, 'exit').then(() => performance.now());
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const answer = answerOf(Number(line.toString()), options.path);
  await once(server.stdout, 'data');
  const signalMs = performance.now();
  server.kill('SIGTERM');
  return { signalMs, lastByteMs: await answer, exitMs: await exited };
}

/** When the last byte of the answer was there. */
async function answerOf(port: number, path: string): Promise<number> {
  const request = http.get({ port, path, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end');
  return performance.now();
}
