// Runs a real supervisor through the command line, in a folder of its own, and cleans up after it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from '../../src/index.ts';

export const CLI = new URL('../../../cli/bin/lastcall.js', import.meta.url).pathname;
/** The Node that supervisors and workers run on: another version's path can be given. */
export const NODE = process.env.LASTCALL_TEST_NODE ?? process.execPath;
export const APP = new URL('../fixtures/app.ts', import.meta.url).pathname;

const READY_LIMIT_MS = 30_000;

export interface Status {
  pid: number;
  state: string;
  generation: number;
  listen: string[];
  workers_wanted: number;
  in_flight: number;
  last_reload: { ok: boolean; message: string } | null;
  last_upgrade: { ok: boolean; message: string } | null;
  restarts: Record<string, number>;
  forced_kills: number;
  killed_leases: number;
  workers: {
    name: string;
    pid: number;
    generation: number;
    phase: string;
    reason: string | null;
    in_flight: number;
  }[];
}

export interface StartOptions {
  args?: string[];
  /** What to serve; the fixture when absent. */
  target?: string[];
  env?: Record<string, string>;
  config?: string;
  dir?: string;
}

/** One supervisor under test. `await using` ends it and everything it started. */
export class NodeUnderTest {
  readonly dir: string;
  readonly child: ChildProcess;
  output = '';
  readonly exited: Promise<number | null>;
  /** Its output has been read to the end; a successor goes on writing there. */
  readonly closed: Promise<void>;
  #waiting = new Set<() => void>();

  constructor({ args = [], target = [APP], env = {}, config, dir }: StartOptions = {}) {
    this.dir = dir ?? mkdtempSync(join(tmpdir(), 'lastcall-'));
    if (config !== undefined) writeFileSync(join(this.dir, 'lastcall.yaml'), config);
    this.child = spawn(NODE, [CLI, 'serve', ...args, ...target], {
      cwd: this.dir,
      env: {
        ...process.env,
        PORT: '0',
        HOST: '127.0.0.1',
        LASTCALL_WORKERS: '2',
        LASTCALL_PROVE_MS: '200',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        for (const look of this.#waiting) look();
      });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code) => resolve(code));
    });
    this.closed = new Promise((resolve) => {
      this.child.once('close', () => {
        for (const look of this.#waiting) look();
        resolve();
      });
    });
  }

  /** Starts one and waits until its workers are ready. */
  static async start(options: StartOptions = {}): Promise<NodeUnderTest> {
    const node = new NodeUnderTest(options);
    await node.line(/\[supervisor\] ready: /);
    return node;
  }

  get control(): string {
    return join(this.dir, '.lastcall/control.sock');
  }

  get port(): number {
    return Number(/ready: .* on [^ ]*:(\d+)/.exec(this.output)?.[1]);
  }

  /** Waits until the output matches, `times` times. */
  line(pattern: RegExp, times = 1): Promise<void> {
    const all = new RegExp(pattern.source, `g${pattern.flags.replace('g', '')}`);
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act();
      };
      const fail = (why: string): void =>
        end(() => reject(new Error(`${why} before ${String(pattern)} in:\n${this.output}`)));
      const look = (): void => {
        if ((this.output.match(all)?.length ?? 0) >= times) end(resolve);
        else if (this.child.stdout?.closed && this.child.exitCode !== null)
          fail(`exit code ${this.child.exitCode}`);
      };
      const timer = setTimeout(() => fail('time is up'), READY_LIMIT_MS);
      this.#waiting.add(look);
      look();
    });
  }

  ask<T = unknown>(verb: string, args: Record<string, unknown> = {}): Promise<T> {
    return send(this.control, { verb, args }) as Promise<T>;
  }

  status(): Promise<Status> {
    return this.ask<Status>('status');
  }

  /** One request on a connection of its own. */
  get(path: string, options: http.RequestOptions = {}): Promise<Reply> {
    return request({ host: '127.0.0.1', port: this.port, path, agent: false, ...options });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const workers = [...this.output.matchAll(/started \(pid (\d+)/g)].map(([, pid]) => Number(pid));
    const supervisors = [...this.output.matchAll(/successor \(pid (\d+)/g)].map(([, pid]) =>
      Number(pid),
    );
    this.child.kill('SIGKILL');
    for (const pid of [...supervisors, ...workers]) killIfOurs(pid, this.dir);
    await this.closed;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A pid from the log may have been given to somebody else since: only a process of this test's folder is killed. */
function killIfOurs(pid: number, dir: string): void {
  try {
    if (readlinkSync(`/proc/${pid}/cwd`) === dir) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export function request(options: http.RequestOptions, body?: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    http
      .request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response
          .once('error', reject)
          .once('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          );
      })
      .once('error', reject)
      .end(body);
  });
}
