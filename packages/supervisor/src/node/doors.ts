import type { DrainResult } from 'lastcall';
import type { Figures, Question, Questions, WireStatus } from 'lastcall/supervised';
import { isLive, type NodeState, type Worker } from '../core/model.ts';
import type { Fleet } from '../fleet.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { sumFigures } from './figures.ts';

/** How long a worker may take to answer for itself; then its last word counts. */
const ANSWER_MS = 1_000;

/** Another process that still drains workers of this node: the supervisor before an upgrade. */
export interface Predecessor {
  status(): Promise<WireStatus | undefined>;
  metrics(): Promise<string>;
}

export interface DoorsOptions {
  node: NodeState;
  fleet: Fleet;
  /** Metrics of the supervisor itself. */
  ownMetrics: () => string;
  predecessor: () => Predecessor | undefined;
  wake: () => void;
}

/** Answers for the whole node: each question goes to every worker, and the answers become one. */
export class NodeDoors {
  readonly #options: DoorsOptions;

  constructor(options: DoorsOptions) {
    this.#options = options;
  }

  async status(): Promise<WireStatus> {
    const [serving, retiring, before] = await Promise.all([
      this.#figures((worker) => isLive(worker)),
      this.#figures((worker) => !isLive(worker)),
      this.#options.predecessor()?.status(),
    ]);
    const sum = sumFigures(serving, before ? [...retiring, before] : retiring);
    const { draining, stopping } = this.#options.node;
    const late = sum.state === 'ready' || sum.state === 'starting';
    return late && (draining || stopping) ? { ...sum, state: 'draining' } : sum;
  }

  /** One drain of the node drains every worker. */
  async begin(how: 'initiate' | 'drain', reason: string): Promise<WireStatus> {
    this.#options.node.draining = true;
    await this.#askAll(how, reason, (worker) => isLive(worker));
    return this.status();
  }

  /** Drains every worker; answers when all have ended their work or cancelled it. */
  async wait(reason: string): Promise<DrainResult> {
    this.#options.node.draining = true;
    const results = await this.#askAll('wait', reason, () => true, Infinity);
    if (results.some(({ status }) => status === 'undone')) return { status: 'undone' };
    const cancelled = results.reduce(
      (sum, result) => sum + (result.status === 'timeout' ? result.cancelled : 0),
      0,
    );
    return cancelled > 0 ? { status: 'timeout', cancelled } : { status: 'completed' };
  }

  /** Undoes a drain or a pause. Workers that are past undoing are replaced. Throws while the node stops. */
  async resume(): Promise<boolean> {
    const { node, fleet, wake } = this.#options;
    if (node.stopping) throw new Error('The node is stopping; that cannot be undone.');
    const was = node.draining || node.paused;
    node.draining = false;
    node.paused = false;
    const live = [...fleet.processes].filter(([worker, { figures }]) => isLive(worker) && figures);
    const undone = await Promise.all(
      live.map(([, process]) =>
        process.ask('reset').then(
          () => true,
          () => false,
        ),
      ),
    );
    live.forEach(([worker], i) => {
      if (undone[i] === false && isLive(worker)) fleet.retire(worker, 'past undoing', 'stop');
    });
    wake();
    return was;
  }

  async metrics(): Promise<string> {
    const { fleet, ownMetrics, predecessor } = this.#options;
    const texts = [...fleet.processes.values()].map((process) =>
      within(process.ask('metrics'), ANSWER_MS).catch(() => process.metrics),
    );
    const before = predecessor()?.metrics();
    return fleet.metrics.render([...(await Promise.all([...texts, before ?? ''])), ownMetrics()]);
  }

  /** Answers a worker that asks for the node. */
  async answer(what: Question, detail: string): Promise<unknown> {
    if (what === 'initiate' || what === 'drain') return this.begin(what, detail);
    if (what === 'wait') return this.wait(detail);
    if (what === 'reset') return this.resume();
    if (what === 'metrics') return this.metrics();
    return this.status();
  }

  async #figures(which: (worker: Worker) => boolean): Promise<Figures[]> {
    const fallback = (process: WorkerProcess): Figures | undefined => process.figures;
    const asked = this.#known(which).map((process) =>
      within(process.ask('status'), ANSWER_MS).catch(() => fallback(process)),
    );
    return (await Promise.all(asked)).filter((figures) => figures !== undefined);
  }

  /** Asks all workers that have made themselves known; one that ends meanwhile has nothing to say. */
  async #askAll<Q extends Question>(
    what: Q,
    detail: string,
    which: (worker: Worker) => boolean,
    limitMs = ANSWER_MS,
  ): Promise<Questions[Q]['worker'][]> {
    const asked = this.#known(which).map((process) => within(process.ask(what, detail), limitMs));
    const settled = await Promise.allSettled(asked);
    return settled.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  }

  #known(which: (worker: Worker) => boolean): WorkerProcess[] {
    return [...this.#options.fleet.processes]
      .filter(([worker, { figures }]) => figures !== undefined && which(worker))
      .map(([, process]) => process);
  }
}

async function within<T>(answer: Promise<T>, limitMs: number): Promise<T> {
  if (limitMs === Infinity) return answer;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
