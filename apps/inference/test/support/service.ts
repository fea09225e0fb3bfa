import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));

/** The service as a process of its own, started as `npm start` does. */
export interface ServiceProcess {
  readonly child: ChildProcess;
  /** Where it listens; known once it has printed `Ready`. */
  readonly url: string;
  output(): string;
  /** Resolves when it has printed what `pattern` matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends the signal; resolves with the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ServiceOptions extends SpawnOptions {
  /** Resolve before the service is ready. */
  readonly boot?: boolean;
  /** What is started instead of the service itself: the process manager with its arguments. */
  readonly program?: readonly string[];
}

/** Starts the service on a free port and waits until it is ready. */
export async function startService(
  env: Record<string, string>,
  { boot = false, program = [bin], ...options }: ServiceOptions = {},
): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [...program], {
    ...options,
    env: { ...process.env, PORT: '0', LASTCALL_LEAVE_MAX_MS: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const watcher of watchers) watcher();
    });
  const ended = once(child, 'close').then(
    ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
  );

  async function printed(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const watcher = (): void => {
      const match = pattern.exec(text);
      if (match) resolve(match);
    };
    watchers.add(watcher);
    watcher();
    void ended.then((how) =>
      reject(new Error(`ended with ${how} before it printed ${pattern}; it printed:\n${text}`)),
    );
    try {
      return await promise;
    } finally {
      watchers.delete(watcher);
    }
  }

  const service = {
    child,
    url: '',
    output: () => text,
    printed,
    ended,
    end(signal: NodeJS.Signals) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
  if (!boot) service.url = (await printed(/Ready after .*: (\S+)$/m))[1] ?? '';
  return service;
}
