// A node under `lastcall serve` with an app of this bench, and what its log says of retirements.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '@lastcall/supervisor';
import { endsWithBench } from './cleanup.ts';
import { withDescriptors } from './descriptors.ts';

/** How long a node has to come to rest after a reload or a kill. */
const QUIET_MS = 60_000;
const CLI = new URL('../../packages/cli/bin/lastcall.js', import.meta.url).pathname;

export interface Worker {
  name: string;
  pid: number;
  generation: number;
  readyMs?: number;
  retiredMs?: number;
  exitedMs?: number;
  /** How it ended, as the supervisor says it. */
  how?: string;
  /** Connections that went from it as it retired, and from when to when. */
  left?: { count: number; tookMs: number };
}

export interface Status {
  pid: number;
  in_flight: number;
  killed_leases: number;
  moves: { moved: number; stayed: Record<string, number> };
  supervisor: { heap_used_bytes: number; timers: number };
  workers: { name: string; pid: number; phase: string; generation: number }[];
}

export interface MovingNode extends AsyncDisposable {
  port: number;
  /** Every worker there ever was, by name. */
  workers: Map<string, Worker>;
  /** Calls `on` whenever the log has told something new. */
  watch: (on: () => void) => () => void;
  reload: () => Promise<void>;
  status: () => Promise<Status>;
}

/** Starts `app` (a file beside this one) on 2 workers. */
export async function startNode(
  app: string,
  options: { flags?: string[]; env?: Record<string, string> } = {},
): Promise<MovingNode> {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-moving-'));
  const flags = ['--workers', '2', '--port', '0', '--host', '127.0.0.1', '--prove-ms', '200'];
  const file = new URL(app, import.meta.url).pathname;
  const all = [process.execPath, CLI, 'serve', ...flags, ...(options.flags ?? []), file];
  const child = spawn(...withDescriptors(all), {
    cwd: dir,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const workers = new Map<string, Worker>();
  const watchers = new Set<() => void>();
  const ready = Promise.withResolvers<number>();
  const said: string[] = [];
  createInterface(child.stdout).on('line', (line) => {
    said.push(line);
    if (said.length > 40) said.shift();
    if (process.env.BENCH_LOG) process.stderr.write(`${performance.now().toFixed(0)} ${line}\n`);
    const port = /\[supervisor\] ready: .*:(\d+) \(pid/.exec(line)?.[1];
    if (port !== undefined) ready.resolve(Number(port));
    read(line, workers);
    for (const on of watchers) on();
  });
  void exit.then(([code]) => ready.reject(new Error(`exit code ${code}:\n${said.join('\n')}`)));
  const ask = (verb: string, args = {}): Promise<unknown> =>
    send(join(dir, '.lastcall/control.sock'), { verb, args });
  const end = async (): Promise<void> => {
    // Before its control socket is there, a signal says the same.
    await ask('stop', { quick: true }).catch(() => child.kill('SIGQUIT'));
    await exit;
    rmSync(dir, { recursive: true, force: true });
  };
  const ended = endsWithBench(end);
  return {
    port: await ready.promise,
    workers,
    watch: (on) => {
      watchers.add(on);
      return () => watchers.delete(on);
    },
    reload: async () => void (await ask('reload')),
    status: async () => (await ask('status')) as Status,
    async [Symbol.asyncDispose]() {
      ended();
      await end();
    },
  };
}

function read(line: string, workers: Map<string, Worker>): void {
  const [, source = '', text = ''] = /^\[(\w+)\] (.*)$/.exec(line) ?? [];
  const left = /^bench: left (\d+) in ([\d.]+) ms/.exec(text);
  const talker = workers.get(source);
  if (left && talker) talker.left = { count: Number(left[1]), tookMs: Number(left[2]) };
  if (source !== 'supervisor') return;
  const [, name = '', what = ''] = /^(w\d+) (.*)$/.exec(text) ?? [];
  const nowMs = performance.now();
  const started = /^started \(pid (\d+), generation (\d+)/.exec(what);
  if (started) workers.set(name, { name, pid: Number(started[1]), generation: Number(started[2]) });
  const worker = workers.get(name);
  if (!worker) return;
  if (what === 'is ready') worker.readyMs = nowMs;
  else if (what.startsWith('retires: ')) worker.retiredMs = nowMs;
  else if (/^(exited with|was killed by) /.test(what)) {
    worker.exitedMs = nowMs;
    worker.how = what;
  }
}

/** Resolves when `holds` does; it is looked at with every line of the log. */
export function logged(node: MovingNode, holds: () => boolean, limitMs: number): Promise<boolean> {
  if (holds()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (held: boolean): void => {
      clearTimeout(timer);
      unwatch();
      resolve(held);
    };
    const unwatch = node.watch(() => {
      if (holds()) end(true);
    });
    const timer = setTimeout(() => end(false), limitMs);
  });
}

/** Every worker that was told to retire has ended. */
export const allRetired = ({ workers }: MovingNode): boolean =>
  [...workers.values()].every(({ retiredMs, exitedMs }) => retiredMs === undefined || exitedMs);

/** Two workers serve, and no other is there. */
export async function quiet(node: MovingNode): Promise<void> {
  await logged(node, () => allRetired(node), QUIET_MS);
  const startedMs = performance.now();
  for (;;) {
    const { workers } = await node.status();
    if (workers.length === 2 && workers.every(({ phase }) => phase === 'serving')) return;
    if (performance.now() - startedMs > QUIET_MS)
      throw new Error(`The node does not settle: ${JSON.stringify(workers)}`);
    await sleep(20);
  }
}
