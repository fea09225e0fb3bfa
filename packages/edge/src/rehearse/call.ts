import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, PodPlan } from './plan.ts';

/** How a probe or hook ended. */
export interface Called {
  ok: boolean;
  told: string;
  /** Of an HTTP call that was answered. */
  status: number | undefined;
}

/** The port that a probe means: a name that the container declares, a number, or none of both. */
function portOf(plan: PodPlan, wanted: string | undefined, port: number): number | undefined {
  const declared = Object.values(plan.ports)[0];
  const number = wanted === undefined ? undefined : (plan.ports[wanted] ?? Number(wanted));
  // Each pod has its one port here, whatever its number in the manifest.
  if (wanted === undefined || number === declared) return port;
  // Declaring ports is optional: a number alone is the port that the service listens on.
  if (declared === undefined && Number.isInteger(number)) return port;
  return Number.isInteger(number) ? number : undefined;
}

/** Carries out a probe or hook as the kubelet does; one that cannot be tried at all has failed. */
export async function carryOut(...call: Parameters<typeof attempt>): Promise<Called> {
  try {
    return await attempt(...call);
  } catch (error) {
    return { ok: false, told: (error as Error).message, status: undefined };
  }
}

async function attempt(
  call: Call,
  plan: PodPlan,
  port: number,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Called> {
  switch (call.kind) {
    case 'sleep':
      await sleep(call.ms, undefined, { signal }).catch(() => {});
      return { ok: true, told: `slept ${call.ms / 1_000} s`, status: undefined };
    case 'exec':
      return exec(call.command, env, signal);
    default: {
      const to = portOf(plan, call.port, port);
      if (to === undefined)
        return { ok: false, told: `no port named ${call.port}`, status: undefined };
      return call.kind === 'tcp' ? tcp(to, signal) : http(call, to, signal);
    }
  }
}

function http(
  { path, headers }: { path: string; headers: Record<string, string> },
  port: number,
  signal: AbortSignal,
): Promise<Called> {
  return new Promise((resolve) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      headers: { ...headers, connection: 'close' },
      agent: false,
      signal,
    });
    sent.once('error', (error) =>
      resolve({ ok: false, told: `GET ${path}: ${error.message}`, status: undefined }),
    );
    sent.once('response', (response) => {
      const { statusCode: status = 0 } = response;
      response
        .resume()
        .once('close', () =>
          resolve({ ok: status >= 200 && status < 400, told: `GET ${path}: ${status}`, status }),
        );
    });
    sent.end();
  });
}

function tcp(port: number, signal: AbortSignal): Promise<Called> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', signal });
    const end = (ok: boolean, told: string): void => {
      socket.destroy();
      resolve({ ok, told, status: undefined });
    };
    socket.once('connect', () => end(true, `port ${port} accepts`));
    socket.once('error', (error) => end(false, error.message));
  });
}

function exec(command: string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Called> {
  return new Promise((resolve) => {
    // A group of its own, so that what a shell has started is cut off with it.
    const child = spawn(command[0] ?? '', command.slice(1), {
      env,
      stdio: 'ignore',
      detached: true,
    });
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    };
    const end = (ok: boolean, told: string): void => {
      signal.removeEventListener('abort', kill);
      resolve({ ok, told, status: undefined });
    };
    if (signal.aborted) kill();
    else signal.addEventListener('abort', kill, { once: true });
    child.once('error', (error) => end(false, error.message));
    child.once('exit', (code, by) =>
      end(
        code === 0,
        code === null ? `${command[0]} was ended by ${by}` : `${command[0]} exited with ${code}`,
      ),
    );
  });
}
