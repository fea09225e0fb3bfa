import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const lastcall = `${root}packages/cli/bin/lastcall.js`;
const startLimitMs = 60_000;

export const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** The inference service under `lastcall serve`, on a port of its own. */
export class Node {
  readonly name: string;
  readonly url: string;
  /** Every process that was ever seen of this node. */
  readonly pids = new Set<number>();
  output = '';
  #child: ChildProcess | undefined;
  /** Where in `output` the last start begins. */
  #begun = 0;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(name: string, port: number, folder: string, databaseUrl: string) {
    this.name = name;
    this.url = `http://127.0.0.1:${port}`;
    this.#folder = join(folder, name);
    mkdirSync(this.#folder);
    this.#env = {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      LASTCALL_DATA_DIR: this.#folder,
      MODEL_TOKENS_PER_SECOND: '60',
      TASK_CONCURRENCY: '4',
      GRACEFUL_SHUTDOWN_TIMEOUT: '4',
      LASTCALL_LEAVE_MAX_MS: '100',
      LASTCALL_PROVE_MS: '100',
    };
  }

  get up(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Until it says that it is ready: workers of a supervisor that was killed may answer for a while. */
  async start(): Promise<void> {
    const limit = performance.now() + startLimitMs;
    while (performance.now() < limit) {
      if (!this.up) this.#spawn();
      await sleep(100);
      this.workers();
      if (this.up && this.output.includes('[supervisor] ready:', this.#begun)) return;
    }
    throw new Error(`${this.name} did not start; ${this.lastWords}`);
  }

  #spawn(): void {
    const config = `${root}apps/inference/lastcall.yaml`;
    const child = spawn(
      process.execPath,
      [lastcall, 'serve', '--config', config, '--control', this.#control],
      { cwd: root, env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    this.#begun = this.output.length;
    if (child.pid) this.pids.add(child.pid);
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  get #control(): string {
    return join(this.#folder, 'control.sock');
  }

  /** Runs `lastcall VERB` against this node. */
  async verb(...words: string[]): Promise<void> {
    await run(process.execPath, [lastcall, ...words, '--control', this.#control]);
  }

  /** The process numbers of its workers. */
  workers(): number[] {
    const pid = this.#child?.pid ?? 0;
    try {
      const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
      const found = text.split(' ').filter(Boolean).map(Number);
      for (const worker of found) this.pids.add(worker);
      return found;
    } catch {
      return [];
    }
  }

  /** Ends the supervisor; resolves with its exit code, or the signal that ended it. */
  async end(signal: NodeJS.Signals): Promise<number | string | null> {
    const child = this.#child;
    if (!child || !this.up) return null;
    this.workers();
    const exit = once(child, 'exit');
    child.kill(signal);
    const [code, by] = (await exit) as [number | null, string | null];
    return code ?? by;
  }

  get lastWords(): string {
    return `it printed last:\n${this.output.slice(-2_000)}`;
  }

  /** Processes that are still there. */
  get left(): number[] {
    return [...this.pids].filter(isAlive);
  }

  /** Kills what is left. */
  destroy(): void {
    this.workers();
    for (const pid of this.left) process.kill(pid, 'SIGKILL');
  }
}
