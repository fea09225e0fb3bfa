import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import {
  type Answer,
  type Channel,
  type Figures,
  type FromWorker,
  type Handle,
  type MoveMessage,
  takeConnections,
  Outbox,
  PROTOCOL,
  type Question,
  type Questions,
  sendOver,
  type ToWorker,
  unframe,
} from 'lastcall/supervised';
import { Lines } from '../log/lines.ts';
import type { LogSink } from '../log/sink.ts';
import { type Launch, launch } from './launch.ts';
import type { Shares } from './shares.ts';

export interface WorkerEvents {
  message(message: FromWorker): void;
  /** Steps of moves, at once: the order of these and of answers counts. */
  moves(message: MoveMessage, handle: Handle | undefined): void;
  /** Its channel has been read to the end: it says nothing any more. */
  silent(): void;
  /** Once: the process has ended, or could not be started. */
  exit(how: { code: number | null; signal: NodeJS.Signals | null; error?: string }): void;
}

export interface WorkerStart {
  launch: Launch;
  id: number;
  name: string;
  log: LogSink;
  shares: Shares;
}

const STDERR_KEPT = 5;
const LAST_WORDS_MS = 100;

/** One worker's process: its channel, its output, its last words. */
export class WorkerProcess {
  readonly launch: Launch;
  readonly pid: number | undefined;
  readonly startedMs = performance.now();
  /** The last figures it sent; none from a foreign program. */
  figures: Figures | undefined;
  /** The last metrics text it sent. */
  metrics = '';
  /** The last lines it wrote to standard error, for the message that says why it failed. */
  readonly lastWords: string[] = [];
  /** The last signal that it was sent to make it do something by itself. */
  signalled: NodeJS.Signals | undefined;
  /** Resolves when its output has been read to the end. */
  readonly closed: Promise<void>;
  /** What it is told of moves. */
  readonly moves = new Outbox((message, handle) => this.#write(message, handle));
  readonly #child: ChildProcess | undefined;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 0;
  #ended = false;

  constructor(start: WorkerStart, events: WorkerEvents) {
    const { launch: from, id, name, log, shares } = start;
    this.launch = from;
    try {
      this.#child = launch(from, name, shares, id);
    } catch (error) {
      // What spawn does not emit, it throws: E2BIG, ENOMEM, a NUL in a value of the environment.
      this.#ended = true;
      this.closed = Promise.resolve();
      const { message } = error as Error;
      setImmediate(() => events.exit({ code: null, signal: null, error: message }));
      return;
    }
    const child = this.#child;
    this.pid = child.pid;
    this.#pipe(child.stdout, name, log);
    this.#pipe(child.stderr, name, log);
    child.stderr?.on('data', (chunk: Buffer) => this.#remember(chunk));
    this.closed = new Promise((resolve) => {
      child.once('close', () => resolve());
    });
    let told = false;
    const exit: WorkerEvents['exit'] = (how) => {
      if (told) return;
      told = true;
      this.#ended = true;
      for (const asked of this.#asked.values()) asked.reject(new Error(`${name} has ended`));
      this.#asked.clear();
      events.exit(how);
    };
    child.once('disconnect', () => events.silent());
    child.on('message', (raw, handle: unknown) => {
      const message = unframe(raw) as FromWorker | undefined;
      if (message?.type === 'answer') this.#settle(message);
      else if (message?.type === 'moves' || message?.type === 'connection')
        events.moves(message, handle as Handle | undefined);
      else if (message) events.message(message);
    });
    takeConnections(child as Channel, (raw) => {
      const message = unframe(raw) as FromWorker | undefined;
      if (message?.type === 'connection') events.moves(message, undefined);
    });
    child.once('exit', (code, signal) => {
      this.#ended = true;
      // What it has started may hold its output for ever; that must not keep the supervisor.
      for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
      // Its last words say why; they are still in the pipe when the process has gone.
      const timer = setTimeout(() => exit({ code, signal }), LAST_WORDS_MS);
      void this.closed.then(() => {
        clearTimeout(timer);
        exit({ code, signal });
      });
    });
    child.once('error', (error) => {
      if (this.pid === undefined) exit({ code: null, signal: null, error: error.message });
    });
  }

  get connected(): boolean {
    return this.#child?.connected === true;
  }

  send(message: ToWorker): void {
    this.moves.flush();
    this.#write(message);
  }

  #write(message: ToWorker, handle?: Handle): void {
    if (!this.#child?.connected) return;
    sendOver(this.#child as Channel, { ...message, lastcall: PROTOCOL }, handle);
  }

  /** Asks the worker; rejects when it ends without an answer. */
  async ask<Q extends Question>(what: Q, detail = ''): Promise<Questions[Q]['worker']> {
    if (this.#ended || !this.connected) throw new Error('the worker has ended');
    const id = ++this.#nextId;
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(id, asked);
    this.send({ type: 'ask', id, what, detail });
    return (await asked.promise) as Questions[Q]['worker'];
  }

  answer(answer: Answer): void {
    this.send(answer);
  }

  signal(signal: NodeJS.Signals): void {
    this.signalled = signal;
    if (!this.#ended && this.pid !== undefined) this.#child?.kill(signal);
  }

  /** Kills the worker and what it has started in its process group. */
  kill(): void {
    if (this.#ended || this.pid === undefined) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // No group any more: the process itself is all there is.
      this.#child?.kill('SIGKILL');
    }
  }

  /** Resolves with the first match on standard error from now on. */
  stderrMatch(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      let text = '';
      const look = (chunk: Buffer): void => {
        text += chunk.toString();
        const match = pattern.exec(text);
        if (!match) return;
        this.#child?.stderr?.off('data', look);
        resolve(match[0]);
      };
      this.#child?.stderr?.on('data', look);
    });
  }

  #settle(answer: Answer): void {
    const asked = this.#asked.get(answer.id);
    this.#asked.delete(answer.id);
    if ('error' in answer) asked?.reject(new Error(answer.error));
    else asked?.resolve(answer.value);
  }

  #pipe(stream: Readable | null, name: string, log: LogSink): void {
    const lines = new Lines(`[${name}] `, (line) => log.write(line));
    stream?.on('data', (chunk: Buffer) => {
      lines.write(chunk);
      if (!log.full) return;
      stream.pause();
      log.whenRoom(() => stream.resume());
    });
    stream?.once('close', () => lines.end());
  }

  #remember(chunk: Buffer): void {
    // Of a stack only what it is about: the frames are in the log.
    const lines = chunk
      .toString()
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^(at |Node\.js v|\^+$)/.test(line));
    this.lastWords.push(...lines);
    this.lastWords.splice(0, Math.max(0, this.lastWords.length - STDERR_KEPT));
  }
}
