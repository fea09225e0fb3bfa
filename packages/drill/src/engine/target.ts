// One server under attack: a process group of its own, started fresh and always ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { DrillError, NotApplicable } from '../case.ts';
import { late, nowMs, until, within } from './clock.ts';
import { Output } from './output.ts';
import { isListening } from './ports.ts';
import {
  commandOf,
  isAlive,
  killAll,
  markName,
  processesOf,
  remember,
  sendSignal,
} from './processes.ts';
import type { Timeline } from './timeline.ts';

export interface Launch {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly host: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly stopSignal: NodeJS.Signals;
}

export interface Exit {
  /** Undefined when a signal ended the process. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** Monotonic, when the drill saw the process end. */
  readonly atMs: number;
}

export class Target {
  readonly launch: Launch;
  readonly output = new Output();
  readonly exited: Promise<Exit>;
  /** Resolves when the process has ended and its pipes are closed: nothing more can be printed. */
  readonly drained: Promise<void>;
  exit: Exit | undefined;
  /** True when the program could not even be started; `exited` says why. */
  startFailed = false;
  /** When the first stop signal was sent (monotonic). */
  signalledMs: number | undefined;
  /** True when it had ended by itself before the first signal, though its exit was not yet known. */
  endedBefore = false;
  readonly #child: ChildProcess;
  readonly #mark = randomUUID();
  readonly #timeline: Timeline;
  #watch: NodeJS.Timeout | undefined;
  /** True when it still ran at the end of the case, and the drill ended it. */
  #killed = false;

  constructor(launch: Launch, timeline: Timeline) {
    this.launch = launch;
    this.#timeline = timeline;
    timeline.mark('start', launch.command.join(' '));
    const [file, ...args] = launch.command;
    try {
      this.#child = spawn(file ?? '', args, {
        cwd: launch.cwd,
        env: { ...process.env, ...launch.env, [markName]: this.#mark },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true, // a process group of its own, so that the whole of it can be ended
      });
    } catch (error) {
      throw this.#notStarted(error as NodeJS.ErrnoException); // what Node.js does not tell later
    }
    if (this.#child.pid !== undefined) remember(this.#child.pid, this.#mark);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output.add(chunk);
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', (cause: NodeJS.ErrnoException) => {
        this.startFailed = true;
        reject(this.#notStarted(cause));
      });
      this.#child.once('exit', (code, signal) => {
        this.exit = { code: code ?? undefined, signal: signal ?? undefined, atMs: nowMs() };
        clearTimeout(this.#watch);
        const how = signal === null ? `exit ${code}` : `ended by ${signal}`;
        if (!this.#killed) this.#timeline.mark('exit', how);
        resolve(this.exit);
      });
    });
    this.exited.catch(() => undefined); // also read by whoever waits; never an unhandled rejection
    this.drained = new Promise((resolve) => {
      this.#child.once('close', () => {
        resolve();
      });
    });
  }

  #notStarted(cause: NodeJS.ErrnoException): DrillError {
    const { command, cwd } = this.launch;
    return new DrillError(
      'START_FAILED',
      `command: cannot start "${command.join(' ')}": ${cause.code ?? cause.message}. ` +
        `Check that the program exists, may be executed and that cwd is ${cwd}.`,
      { cause },
    );
  }

  /** 0 when the program could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The processes of this target that live. */
  processes(): number[] {
    return this.pid > 0 ? processesOf(this.pid, this.#mark) : [];
  }

  /** Sends the stop signal (or another one) to the process, and notes when. */
  signal(signal: NodeJS.Signals = this.launch.stopSignal, pid = this.pid): void {
    if (this.exit !== undefined) {
      if (this.signalledMs === undefined) this.#refuseEnded(this.exit);
      if (pid === this.pid) return; // its id may be another's by now
    }
    this.endedBefore ||= this.signalledMs === undefined && !isAlive(this.pid);
    this.signalledMs ??= nowMs();
    this.#timeline.mark('signal', signal);
    sendSignal(pid, signal);
    this.#watchListener();
  }

  #refuseEnded({ code, signal }: Exit): never {
    const how = signal ?? `code ${code}`;
    throw new NotApplicable(`already before the stop: the server had ended by itself (${how})`);
  }

  /** The moment a hook call began the stop, for cases without a signal. */
  stopBegan(how: string): void {
    this.signalledMs ??= nowMs();
    this.#timeline.mark('signal', how);
    this.#watchListener();
  }

  /** Waits for the end; undefined when it has not ended within `ms`. */
  async ended(ms: number): Promise<Exit | undefined> {
    const exit = await within(this.exited, ms);
    return exit === late ? undefined : exit;
  }

  /** Ends whatever is left, and says which processes (id and command) had outlived the main one. */
  async destroy(): Promise<string[]> {
    clearTimeout(this.#watch);
    // A child that follows its parent has a moment to do so.
    if (this.exit !== undefined) {
      await until(() => (this.processes().length === 0 ? true : undefined), 500, 50);
    }
    const left =
      this.exit === undefined ? [] : this.processes().map((pid) => `${pid} ${commandOf(pid)}`);
    if (this.exit === undefined && this.pid > 0) {
      this.#killed = true;
      this.#timeline.mark('exit', 'killed by the drill');
    }
    if (this.pid > 0) await killAll(this.pid, this.#mark);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    return left;
  }

  #watchListener(): void {
    const port = this.launch.ports['http'];
    if (port === undefined || this.#watch !== undefined) return;
    const look = (): void => {
      const beganMs = nowMs();
      const listening = isListening(port);
      if (listening === false) this.#timeline.mark('listener-closed', 'the listener is closed');
      if (listening !== true) return;
      // Among thousands of connections a look is dear; taken as often it would hold up the clients.
      this.#watch = setTimeout(look, Math.max(10, (nowMs() - beganMs) * 20));
      this.#watch.unref();
    };
    this.#watch = setTimeout(look, 10);
    this.#watch.unref();
  }
}
