import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Called, carryOut } from './call.ts';
import type { Call, PodPlan, Probe } from './plan.ts';

export type Note = (pod: string, what: string) => void;

/** The kernel gives the first process of a container only the signals that it handles (pid_namespaces(7)). */
function handles(pid: number | undefined, signal: NodeJS.Signals): boolean {
  if (signal === 'SIGKILL') return true;
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    )?.[1];
    return (BigInt(`0x${caught ?? '0'}`) & (1n << BigInt(constants.signals[signal] - 1))) !== 0n;
  } catch {
    return false;
  }
}

/** The kubelet's part for one pod: probes at their periods, the hook, SIGTERM, the countdown, SIGKILL. */
export class Pod {
  readonly name: string;
  readonly port: number;
  ready = false;
  everReady = false;
  /** Set by what the kubelet did, on the monotonic clock. */
  deletedMs: number | undefined;
  signalledMs: number | undefined;
  killedMs: number | undefined;
  exitedMs: number | undefined;
  restarts = 0;
  /** Kills by a failed probe: when, and whether the pod had been ready before. */
  readonly probeKills: { atMs: number; wasReady: boolean }[] = [];
  hook: Called | undefined;
  hookCut = false;
  /** Why its program could not be started. */
  startFault: Error | undefined;
  readonly #plan: PodPlan;
  readonly #note: Note;
  readonly #gone = new AbortController();
  /** The rehearsal has ended: nothing is waited for any more. */
  readonly #over = new AbortController();
  #child: ChildProcess | undefined;
  #probes = new AbortController();

  constructor(name: string, port: number, plan: PodPlan, note: Note) {
    this.name = name;
    this.port = port;
    this.#plan = plan;
    this.#note = note;
  }

  start(): void {
    const [program = '', ...args] = this.#plan.command;
    let child: ChildProcess;
    try {
      // A process group of its own stands for the container: SIGKILL ends all of it, SIGTERM reaches process 1.
      child = spawn(program, args, { env: this.#env(), stdio: 'ignore', detached: true });
    } catch (error) {
      this.#unstartable(error as Error);
      return;
    }
    this.#child = child;
    // A program that cannot be started is never told to have exited.
    child.once('error', (error) => {
      if (child.pid === undefined) this.#unstartable(error);
    });
    child.once('exit', (code, signal) => this.#exited(code, signal));
    this.#note(this.name, this.restarts === 0 ? 'started' : `restarted (${this.restarts})`);
    this.#probes = new AbortController();
    void this.#watch(this.#probes.signal);
  }

  #unstartable(error: Error): void {
    this.#note(this.name, `cannot start: ${error.message}`);
    this.startFault = error;
    this.#probes.abort();
    this.#end();
  }

  /** Deletes the pod; resolves when nothing of it is left. */
  async delete(): Promise<void> {
    const startMs = performance.now();
    this.deletedMs = startMs;
    this.#note(this.name, 'deleted');
    const { preStop, periodMs, stopSignal } = this.#plan;
    const left = (): number => Math.max(0, Math.ceil(periodMs - (performance.now() - startMs)));
    if (preStop && periodMs > 0) {
      const cut = AbortSignal.timeout(left());
      this.hook = await carryOut(
        preStop,
        this.#plan,
        this.port,
        this.#env(),
        AbortSignal.any([cut, this.#gone.signal, this.#over.signal]),
      );
      this.hookCut = cut.aborted;
      this.#note(
        this.name,
        `preStop: ${this.hookCut ? 'cut off at the end of the period' : this.hook.told}`,
      );
    }
    this.signalledMs = performance.now();
    if (this.exitedMs === undefined && periodMs > 0) {
      const heard = handles(this.#child?.pid, stopSignal);
      this.#note(this.name, heard ? stopSignal : `${stopSignal}: process 1 does not handle it`);
      if (heard) this.#signal(stopSignal, false);
    }
    if (this.exitedMs === undefined)
      await Promise.race([
        once(this.#gone.signal, 'abort'),
        sleep(left(), undefined, { ref: false, signal: this.#over.signal }).catch(() => {}),
      ]);
    if (this.exitedMs === undefined) {
      this.killedMs = performance.now();
      this.#note(this.name, 'SIGKILL: the period is over');
      this.#signal('SIGKILL', true);
      await once(this.#gone.signal, 'abort');
    }
    this.#probes.abort();
    // What a shell left behind goes with its container.
    this.#signal('SIGKILL', true);
  }

  /** Ends the pod at once, whatever it does. */
  async destroy(): Promise<void> {
    this.deletedMs ??= performance.now();
    this.#over.abort();
    this.#probes.abort();
    this.#signal('SIGKILL', true);
    if (this.exitedMs === undefined) await once(this.#gone.signal, 'abort');
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.ready = false;
    this.#probes.abort();
    if (this.deletedMs === undefined) {
      this.#note(this.name, `ended by itself (${code ?? signal})`);
      this.restarts += 1;
      void sleep(200).then(() => {
        if (this.deletedMs === undefined) this.start();
        else this.#end();
      });
      return;
    }
    this.#note(this.name, `exited (${code ?? signal})`);
    this.#end();
  }

  #end(): void {
    this.exitedMs = performance.now();
    this.#gone.abort();
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#plan.env, PORT: String(this.port), HOST: '127.0.0.1' };
  }

  #signal(name: NodeJS.Signals, all: boolean): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(all ? -pid : pid, name);
    } catch {
      // It has ended.
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { startup, readiness, liveness } = this.#plan;
    if (startup)
      await this.#probe(startup, signal, {
        pass: () => false,
        fail: () => this.#unhealthy('startup'),
      });
    if (signal.aborted) return;
    if (liveness)
      void this.#probe(liveness, signal, {
        pass: () => true,
        fail: () => this.#unhealthy('liveness'),
      });
    if (!readiness) this.#becomes(true);
    else
      await this.#probe(readiness, signal, {
        pass: () => this.#becomes(true),
        fail: () => this.#becomes(false),
      });
  }

  #becomes(ready: boolean): true {
    if (ready !== this.ready) this.#note(this.name, ready ? 'ready' : 'not ready');
    this.ready = ready;
    this.everReady ||= ready;
    return true;
  }

  /** The container is killed and started again; a pod that is being deleted is left alone (since Kubernetes 1.22). */
  #unhealthy(probe: string): boolean {
    if (this.deletedMs !== undefined) return true;
    this.probeKills.push({ atMs: performance.now(), wasReady: this.everReady });
    this.#note(this.name, `killed: its ${probe} probe failed`);
    this.#signal('SIGKILL', true);
    return false;
  }

  /** Probes until `pass` or `fail` says false, or until `signal` aborts. */
  async #probe(
    { call, delayMs, periodMs, timeoutMs, failures, successes }: Probe,
    signal: AbortSignal,
    on: { pass: () => boolean; fail: () => boolean },
  ): Promise<void> {
    let [good, bad] = [0, 0];
    for (let pause = delayMs; !signal.aborted; pause = periodMs) {
      await sleep(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const ok = await this.#ask(call, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
      if (signal.aborted) return;
      [good, bad] = ok ? [good + 1, 0] : [0, bad + 1];
      if (good >= successes && !on.pass()) return;
      if (bad >= failures && !on.fail()) return;
    }
  }

  async #ask(call: Call, signal: AbortSignal): Promise<boolean> {
    return (await carryOut(call, this.#plan, this.port, this.#env(), signal)).ok;
  }
}
