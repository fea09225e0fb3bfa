// A node whose clock and workers are played by the test: the decisions are the real ones.
import {
  addWorker,
  beginRollout,
  endRollout,
  rolloutWants,
  workerFailed,
  workerReady,
  workerRetires,
  workerServes,
} from '../../src/core/change.ts';
import { decide } from '../../src/core/decide.ts';
import { type Action, isLive, newNode, type Policy, type Worker } from '../../src/core/model.ts';

export const POLICY: Policy = {
  startMs: 10_000,
  proveMs: 1_000,
  surge: 1,
  parallel: 0,
  restartLimit: 3,
  restartWindowMs: 60_000,
  backoffMs: 100,
  backoffMaxMs: 5_000,
  hangMs: 30_000,
};

const KILL_AFTER_MS = 30_000;

export class Simulation {
  nowMs = 0;
  readonly node;
  readonly policy: Policy;
  readonly done: Action[] = [];
  halted: { code: number; reason: string } | undefined;

  constructor(workers: number, policy: Partial<Policy> = {}) {
    this.node = newNode(workers);
    this.policy = { ...POLICY, ...policy };
    this.turn();
  }

  /** Acts until nothing is left to do now. */
  turn(): void {
    for (let guard = 0; guard < 100; guard += 1) {
      const { actions } = decide(this.node, this.policy, this.nowMs);
      if (actions.length === 0) return;
      for (const action of actions) this.#perform(action);
      if (this.halted) return;
    }
    throw new Error('the decisions never come to rest');
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.turn();
  }

  ready(...workers: Worker[]): void {
    for (const worker of workers) workerReady(this.node, worker, this.nowMs);
    this.turn();
  }

  /** All workers that are starting become ready and prove themselves, until all is at rest. */
  settle(): void {
    for (let guard = 0; guard < 50; guard += 1) {
      const starting = this.phase('starting');
      if (starting.length === 0 && this.phase('proving').length === 0) return;
      this.ready(...starting);
      this.pass(this.policy.proveMs);
    }
  }

  /** The worker ends by itself. */
  die(worker: Worker): void {
    if (isLive(worker)) workerFailed(this.node, this.policy, worker, 'died', this.nowMs);
    this.gone(worker);
  }

  gone(worker: Worker): void {
    this.node.workers = this.node.workers.filter((other) => other !== worker);
    this.turn();
  }

  /** `target`: how many workers the new configuration wants. */
  reload(target = this.node.target): void {
    const begun = beginRollout(this.node, this.nowMs) !== undefined;
    if (begun && target !== this.node.target) rolloutWants(this.node, target);
    this.turn();
  }

  phase(phase: Worker['at']['phase']): Worker[] {
    return this.node.workers.filter(({ at }) => at.phase === phase);
  }

  /** Names and generations of workers in a phase, such as `w1/1`. */
  show(phase: Worker['at']['phase']): string {
    return this.phase(phase)
      .map(({ name, generation }) => `${name}/${generation}`)
      .join(' ');
  }

  #perform(action: Action): void {
    this.done.push(action);
    const { node, nowMs } = this;
    if (action.do === 'spawn') addWorker(node, action.generation, nowMs);
    else if (action.do === 'serve') workerServes(action.worker, nowMs);
    else if (action.do === 'retire')
      workerRetires(node, action.worker, action.reason, nowMs, nowMs + KILL_AFTER_MS);
    else if (action.do === 'complete') endRollout(node, true, 'done', nowMs);
    else if (action.do === 'reload') beginRollout(node, nowMs);
    else if (action.do === 'halt') this.#halt(action);
    else this.#end(action.worker, action.do === 'kill' ? action.reason : 'hung');
  }

  #end(worker: Worker, reason: string): void {
    if (worker.at.phase === 'retiring') worker.at.killed = true;
    else {
      workerFailed(this.node, this.policy, worker, reason, this.nowMs);
      this.node.workers = this.node.workers.filter((other) => other !== worker);
    }
  }

  #halt({ code, reason }: { code: number; reason: string }): void {
    if (this.node.workers.length === 0) this.halted = { code, reason };
    else this.node.stopping = { mode: 'quick', reason, exitCode: code };
  }
}
