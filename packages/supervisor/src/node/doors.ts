import type { DrainResult } from 'lastcall';
import type { Figures, Question, Questions, WireStatus, WorkItem } from 'lastcall/supervised';
import { isLive, type NodeState, type Worker } from '../core/model.ts';
import type { Fleet } from '../fleet.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { sumFigures } from './figures.ts';
import { LastWord } from './last-word.ts';
import { MetricsSum } from './metrics.ts';
import { type Share, shareOf } from './share.ts';
import { within, withinOr } from './within.ts';

/** How long a worker may take to answer for itself; then its last word counts. */
const ANSWER_MS = 1_000;

/** The other supervisor of this node, while one replaces the other; it has gone when it says nothing. */
export interface NodePeer {
  status(): Promise<WireStatus | undefined>;
  metrics(): Promise<string | undefined>;
  begin(how: 'initiate' | 'drain', reason: string): Promise<true | undefined>;
  /** `undefined` as well when it stops, and cannot take that back. */
  resume(): Promise<boolean | undefined>;
  wait(): Promise<DrainResult | undefined>;
  share(): Promise<Share | undefined>;
}

export interface DoorsOptions {
  node: NodeState;
  /** Since when this supervisor runs, by the monotonic clock. */
  startedMs: number;
  fleet: Fleet;
  /** Metrics of the supervisor itself. */
  ownMetrics: () => string;
  peer: () => NodePeer | undefined;
  /** The workers are programs that cannot refuse work and go on: a drain lets them end. */
  foreign: () => boolean;
  wake: () => void;
}

/** Answers for the whole node: each question goes to every worker, and the answers become one. */
export class NodeDoors {
  /** Called when a drain begins. */
  onDrain: (() => void) | undefined;
  readonly #options: DoorsOptions;
  #round: Promise<WireStatus> | undefined;
  #nextRound: Promise<WireStatus> | undefined;
  /** Resolves when the worker has ended, with whether it had to be killed. */
  readonly #ends = new WeakMap<Worker, PromiseWithResolvers<boolean>>();
  readonly #statusOf = new LastWord<WireStatus>(ANSWER_MS);
  readonly #metricsOf = new LastWord<string>(ANSWER_MS);
  readonly #shareOf = new LastWord<Share>(ANSWER_MS);

  constructor(options: DoorsOptions) {
    this.#options = options;
  }

  /**
   * The figures of all workers, collected after the call. Calls that come while a round is under way
   * share the next one, so that many probes cost no more than a few.
   */
  status(): Promise<WireStatus> {
    if (!this.#round) return this.#collect();
    this.#nextRound ??= this.#round.then(() => {
      this.#nextRound = undefined;
      return this.#collect();
    });
    return this.#nextRound;
  }

  /** The part of this supervisor alone. */
  ownStatus(): Promise<WireStatus> {
    return this.#status(undefined);
  }

  /** One drain of the node drains every worker. */
  async begin(how: 'initiate' | 'drain', reason: string): Promise<WireStatus> {
    const other = this.#options.peer()?.begin(how, reason);
    await Promise.all([this.ownBegin(how, reason), withinOr(other, 2 * ANSWER_MS, undefined)]);
    return this.status();
  }

  async ownBegin(how: 'initiate' | 'drain', reason: string): Promise<true> {
    this.#drain();
    await this.#askAll(how, reason, (worker) => isLive(worker));
    return true;
  }

  /** Drains every worker; answers when all have ended their work or cancelled it. */
  async wait(reason: string): Promise<DrainResult> {
    const [own, other] = await Promise.all([this.ownWait(reason), this.#options.peer()?.wait()]);
    return other ? worse([own, other]) : own;
  }

  async ownWait(reason: string): Promise<DrainResult> {
    this.#drain();
    if (this.#options.foreign()) return this.#allGone();
    return worse(await this.#askAll('wait', reason, () => true, Infinity));
  }

  /** A worker has ended. */
  ended(worker: Worker): void {
    this.#endOf(worker).resolve(worker.at.phase === 'retiring' && worker.at.killed);
  }

  #endOf(worker: Worker): PromiseWithResolvers<boolean> {
    const known = this.#ends.get(worker) ?? Promise.withResolvers<boolean>();
    this.#ends.set(worker, known);
    return known;
  }

  /** Programs that tell nothing of their work have ended it when they have ended. */
  async #allGone(): Promise<DrainResult> {
    const { fleet, node } = this.#options;
    const ends = [...fleet.processes.keys()].map((worker) => this.#endOf(worker).promise);
    const cancelled = (await Promise.all(ends)).filter(Boolean).length;
    if (!node.draining) return { status: 'undone' };
    return cancelled > 0 ? { status: 'timeout', cancelled } : { status: 'completed' };
  }

  /** Undoes a drain or a pause. Workers that are past undoing are replaced. Throws while the node stops. */
  async resume(): Promise<boolean> {
    const other = this.#options.peer()?.resume();
    const [own, others] = await Promise.all([
      this.ownResume(),
      withinOr(other, 2 * ANSWER_MS, undefined),
    ]);
    if (own === undefined && others === undefined)
      throw new Error('The node is stopping; that cannot be undone.');
    return own === true || others === true;
  }

  async ownResume(): Promise<boolean | undefined> {
    const { node, fleet, wake } = this.#options;
    if (node.stopping) return undefined;
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
    const peer = this.#options.peer();
    const asked = this.#metricsOf.of(peer, (one) => one.metrics());
    const [own, other] = [await this.ownMetrics(asked), await asked];
    // One that has gone meanwhile has left its totals here.
    const gone = other === undefined || peer !== this.#options.peer();
    return gone ? own : new MetricsSum().render([own, other]);
  }

  /** The part of this supervisor alone, as it is once `after` is there. */
  async ownMetrics(after?: Promise<unknown>): Promise<string> {
    const { fleet, ownMetrics } = this.#options;
    const texts = [...fleet.processes.values()].map((process) =>
      withinOr(process.ask('metrics'), ANSWER_MS, process.metrics),
    );
    await after;
    return fleet.metrics.render([...(await Promise.all(texts)), ownMetrics()]);
  }

  /** What this supervisor alone knows of the past and of its workers. */
  async ownShare(): Promise<Share> {
    const { fleet } = this.#options;
    // The other supervisor waits no longer than this one does for a worker that hangs.
    const work = await this.#work(ANSWER_MS / 2);
    return shareOf(fleet, work);
  }

  /**
   * The same of all supervisors of the node, one or two. `work`: with the oldest work, which costs a
   * question to each worker.
   */
  async shares(work: boolean): Promise<Share[]> {
    const { fleet, peer } = this.#options;
    const other = peer();
    const [items, share] = await Promise.all([
      work ? this.#work() : [],
      this.#shareOf.of(other, (one) => one.share()),
    ]);
    // One that has gone meanwhile has left its share here.
    return share && other === peer() ? [shareOf(fleet, items), share] : [shareOf(fleet, items)];
  }

  /** The oldest work of every worker. */
  async #work(limitMs = ANSWER_MS): Promise<(WorkItem & { worker: string })[]> {
    const asked = [...this.#options.fleet.processes]
      .filter(([, { figures }]) => (figures?.inFlight ?? 0) > 0)
      .map(async ([{ name }, process]) => {
        const items = await withinOr(process.ask('work'), limitMs, []);
        return items.map((item) => Object.assign(item, { worker: name }));
      });
    return (await Promise.all(asked)).flat();
  }

  /** Answers a worker that asks for the node. */
  async answer(what: Question, detail: string): Promise<unknown> {
    if (what === 'initiate' || what === 'drain') return this.begin(what, detail);
    if (what === 'wait') return this.wait(detail);
    if (what === 'reset') return this.resume();
    if (what === 'metrics') return this.metrics();
    return this.status();
  }

  #collect(): Promise<WireStatus> {
    const peer = this.#statusOf.of(this.#options.peer(), (one) => one.status());
    const round = peer.then((figures) => this.#status(figures));
    this.#round = round;
    const end = (): void => {
      if (this.#round === round) this.#round = undefined;
    };
    round.then(end, end);
    return round;
  }

  #drain(): void {
    const { node, fleet, foreign, wake } = this.#options;
    node.draining = true;
    if (foreign()) {
      node.paused = true;
      for (const worker of node.workers.filter(isLive)) fleet.retire(worker, 'drained', 'retire');
    }
    this.onDrain?.();
    wake();
  }

  async #status(peer: WireStatus | undefined): Promise<WireStatus> {
    const [serving, retiring] = await Promise.all([
      this.#figures((worker) => isLive(worker)),
      this.#figures((worker) => !isLive(worker)),
    ]);
    const twice = this.#options.fleet.moves.countedTwice(new Map([...serving, ...retiring]));
    const others: WireStatus[] = [...retiring.values()];
    if (peer) others.push(peer);
    const sum = sumFigures([...serving.values()], others, twice);
    sum.uptimeMs = performance.now() - this.#options.startedMs;
    if (this.#options.foreign()) sum.state = this.#stateByPhase();
    const { draining, paused, stopping } = this.#options.node;
    const early = sum.state === 'ready' || sum.state === 'starting';
    return early && (draining || paused || stopping) ? { ...sum, state: 'draining' } : sum;
  }

  /** Programs that tell nothing of themselves are ready when their probe has been answered. */
  #stateByPhase(): string {
    const up = this.#options.node.workers.some(
      ({ at }) => at.phase === 'proving' || at.phase === 'serving',
    );
    return up ? 'ready' : 'starting';
  }

  async #figures(which: (worker: Worker) => boolean): Promise<Map<Worker, Figures>> {
    const found = new Map<Worker, Figures>();
    const asked = [...this.#options.fleet.processes]
      .filter(([worker, { figures }]) => figures !== undefined && which(worker))
      .map(async ([worker, process]) => {
        const figures = await withinOr(process.ask('status'), ANSWER_MS, process.figures);
        if (figures) found.set(worker, figures);
      });
    await Promise.all(asked);
    return found;
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

/** The result of several waits: undone if one was, late if one was. */
function worse(results: readonly DrainResult[]): DrainResult {
  if (results.some(({ status }) => status === 'undone')) return { status: 'undone' };
  const cancelled = results.reduce(
    (sum, result) => sum + (result.status === 'timeout' ? result.cancelled : 0),
    0,
  );
  return cancelled > 0 ? { status: 'timeout', cancelled } : { status: 'completed' };
}
