import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fixture } from './fixture.ts';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** When the process ended, on this process's monotonic clock. */
  atMs: number;
}

/** A real server process under test. Started by `startServer`; ended by the test or by `kill`. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly pid: number;
  /** Everything printed so far. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves when the process has printed `text`. */
  printed(text: string | RegExp): Promise<void>;
  readonly ended: Promise<Ended>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StartOptions {
  env?: Record<string, string>;
  /** A command that runs the Node command: `unshare --pid --fork`. */
  wrap?: string[];
  detached?: boolean;
  /** Do not wait for the line `listening PORT`. */
  boot?: boolean;
}

/** Starts a fixture and waits until it listens. */
export async function startServer(
  file = 'server.ts',
  options: StartOptions = {},
): Promise<ServerProcess> {
  const line = [...(options.wrap ?? []), process.execPath, fixture(file)];
  const child = spawn(line[0] ?? '', line.slice(1), {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: options.detached ?? false,
  });
  let text = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const watcher of watchers) watcher();
    });
  let atMs = 0;
  child.once('exit', () => {
    atMs = performance.now();
  });
  // `close` comes after `exit`, when all that was printed has been read.
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    atMs,
  }));
  const printed = async (wanted: string | RegExp): Promise<void> => {
    const seen = (): boolean =>
      typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
    if (seen()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = (): void => {
      if (seen()) resolve();
    };
    watchers.add(watcher);
    const gone = ended.then(({ code, signal }) => {
      throw new Error(`ended (${code ?? signal}) before it printed ${wanted}; it printed: ${text}`);
    });
    gone.catch(() => {});
    await Promise.race([promise, gone]);
    watchers.delete(watcher);
  };
  if (options.boot ?? true) await printed(/listening \d+\n/);
  return {
    child,
    port: Number(/listening (\d+)\n/.exec(text)?.[1] ?? 0),
    pid: child.pid ?? 0,
    output: () => text,
    signal: (name) => void child.kill(name),
    printed,
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  };
}
