import {
  type Figures,
  type Handle,
  type MoveMessage,
  type MoveStep,
  type Outbox,
  type StayedReport,
  type Stays,
  whyLost,
} from 'lastcall/supervised';
import { isServing, type Worker } from './core/model.ts';
import type { WorkerProcess } from './process/worker-process.ts';

/** The other supervisor of this node while one replaces the other: it passes on to workers of its own. */
export interface MovePeer {
  readonly moves: Outbox;
}

type Party = Worker | MovePeer;

const isPeer = (party: Party): party is MovePeer => 'moves' in party;

interface Move {
  readonly from: Party;
  /** The number that the old worker has given it. */
  readonly fromId: number;
  readonly to: Party | undefined;
  /** The kind of its work, if it is any. */
  readonly work: string | undefined;
  /** This process's copy of the connection, until the successor has its own. */
  handle: Handle | undefined;
}

/** Longer than the figures of all workers take to be collected. */
const ROUND_MS = 10_000;

/** A worker that retires and says nothing of moves for so long does not hold up the next one. */
const QUIET_MS = 500;

type ByKind = Record<string, number>;

/**
 * Passes connections from a worker that retires to one that serves. It only relays: the two workers
 * agree on who writes, and whoever dies is spoken for here.
 */
export class Moves {
  /** Connections that other workers have taken over. */
  moved = 0;
  /** Another supervisor that takes connections, or gives them. */
  peer: MovePeer | undefined;
  /** Connections that stayed with a worker that retired, by reason. */
  readonly stayed: Partial<Record<Stays, number>> = {};
  readonly #processes: ReadonlyMap<Worker, WorkerProcess>;
  readonly #moves = new Map<number, Move>();
  /** How many connections each worker was offered. */
  readonly #offered = new Map<Worker, number>();
  /** When workers ended whose figures may still be in a round. */
  readonly #ended = new Map<Worker, number>();
  /** Work that came to workers that have gone long ago, and that went from them. */
  readonly #goneIn: ByKind = {};
  readonly #goneOut: ByKind = {};
  readonly #in = new Map<Worker, ByKind>();
  readonly #out = new Map<Worker, ByKind>();
  #nextId = 0;

  constructor(processes: ReadonlyMap<Worker, WorkerProcess>) {
    this.#processes = processes;
  }

  /** Connections that have been offered, and are with neither worker for good yet. */
  get onTheirWay(): number {
    return this.#moves.size;
  }

  report({ reasons }: StayedReport): void {
    for (const [reason, count] of Object.entries(reasons) as [Stays, number][])
      this.stayed[reason] = (this.stayed[reason] ?? 0) + count;
  }

  /** Tells a worker to finish; the next one is told when it has given its connections away. */
  retire(worker: Worker, reason: string): void {
    worker.movesUntilMs = performance.now() + QUIET_MS;
    this.#processes.get(worker)?.send({ type: 'retire', reason });
  }

  take(from: Party, message: MoveMessage, handle: Handle | undefined): void {
    if (!isPeer(from) && from.movesUntilMs !== undefined)
      from.movesUntilMs = performance.now() + QUIET_MS;
    if (message.type === 'connection') this.#connection(from, message.id, handle);
    else for (const step of message.steps) this.#step(from, step);
  }

  #step(from: Party, step: MoveStep): void {
    if (step.step === 'offer') this.#offer(from, step);
    else if (step.step === 'go' || step.step === 'back') this.#fromOld(from, step);
    else this.#fromSuccessor(from, step);
  }

  /** The worker, or the other supervisor, says nothing any more: nobody else would speak for it. */
  silent(party: Party): void {
    if (party === this.peer) this.peer = undefined;
    for (const [id, move] of this.#moves) {
      if (move.from === party) this.#end(id, move, 'back');
      else if (move.to === party) {
        close(move);
        this.#refuse(move, 'successor-gone');
      }
    }
  }

  /** The worker has ended. */
  gone(worker: Worker): void {
    this.silent(worker);
    this.#offered.delete(worker);
    const nowMs = performance.now();
    this.#ended.set(worker, nowMs);
    for (const [other, atMs] of this.#ended) {
      if (nowMs - atMs < ROUND_MS) continue;
      this.#ended.delete(other);
      addAll(this.#goneIn, this.#in.get(other));
      addAll(this.#goneOut, this.#out.get(other));
      this.#in.delete(other);
      this.#out.delete(other);
    }
  }

  /**
   * Work that figures collected at different moments count twice (above 0) or not at all (below):
   * what came in anywhere less what went from anywhere. A worker has counted its own along with its
   * work; for one whose figures are not among them, its messages were counted here.
   */
  countedTwice(figures: ReadonlyMap<Worker, Figures>): ByKind {
    const twice: ByKind = {};
    addAll(twice, this.#goneIn);
    addAll(twice, this.#goneOut, -1);
    for (const { moved } of figures.values()) {
      addAll(twice, moved.in);
      addAll(twice, moved.out, -1);
    }
    for (const [worker, counts] of this.#in) if (!figures.has(worker)) addAll(twice, counts);
    for (const [worker, counts] of this.#out) if (!figures.has(worker)) addAll(twice, counts, -1);
    return twice;
  }

  #offer(from: Party, { id: fromId, envelope }: Extract<MoveStep, { step: 'offer' }>): void {
    const to = this.#successor(from) ?? (isPeer(from) ? undefined : this.peer);
    const id = ++this.#nextId;
    const work = envelope.lease?.kind;
    const move: Move = { from, fromId, to, work, handle: undefined };
    this.#moves.set(id, move);
    if (!to) return this.#refuse(move, 'no-successor');
    if (!isPeer(to)) this.#offered.set(to, (this.#offered.get(to) ?? 0) + 1);
    return this.#port(to)?.moves.step({ step: 'offer', id, envelope });
  }

  #connection(from: Party, fromId: number, handle: Handle | undefined): void {
    const [id, move] = this.#find(from, fromId) ?? [];
    const successor = move?.to && this.#port(move.to);
    if (id === undefined || !successor) return handle?.close();
    if (!handle) return this.#refuse(move, whyLost());
    move.handle = handle;
    return successor.moves.connection(id, handle);
  }

  #port(party: Party): WorkerProcess | MovePeer | undefined {
    if (!isPeer(party)) return this.#processes.get(party);
    return party === this.peer ? party : undefined;
  }

  #find(from: Party, fromId: number): [number, Move] | undefined {
    for (const [id, move] of this.#moves)
      if (move.from === from && move.fromId === fromId) return [id, move];
    return undefined;
  }

  /** The old worker has the last word on every move, also on one that was refused. */
  #fromOld(from: Party, { step, id: fromId }: Extract<MoveStep, { step: 'go' | 'back' }>): void {
    const [id, move] = this.#find(from, fromId) ?? [];
    if (id !== undefined && move) this.#end(id, move, step);
  }

  #fromSuccessor(from: Party, step: Extract<MoveStep, { step: 'prepared' | 'refused' }>): void {
    const move = this.#moves.get(step.id);
    if (move?.to !== from) return;
    close(move);
    this.#port(move.from)?.moves.step({ ...step, id: move.fromId });
  }

  #end(id: number, move: Move, step: 'go' | 'back'): void {
    close(move);
    this.#moves.delete(id);
    const { from, to, work } = move;
    if (!to) return;
    const successor = this.#port(to);
    if (step === 'go') {
      // What goes to the other supervisor is counted there.
      if (successor && !isPeer(to)) this.moved += 1;
      if (work !== undefined) {
        // What the other supervisor has, or had, is in no figures here.
        if (isPeer(from)) addAll(this.#goneOut, { [work]: 1 });
        else countIn(this.#out, from, work);
        // Let go of just as its successor died: it came to nobody, and went with it.
        if (successor && !isPeer(to)) countIn(this.#in, to, work);
        else addAll(this.#goneIn, { [work]: 1 });
      }
    }
    successor?.moves.step({ step, id });
  }

  #refuse({ from, fromId: id }: Move, reason: Stays): void {
    this.#port(from)?.moves.step({ step: 'refused', id, reason });
  }

  /** The least loaded worker of the newest generation that serves. */
  #successor(from: Party): Worker | undefined {
    const ready = [...this.#processes].filter(
      ([worker, process]) =>
        worker !== from &&
        isServing(worker) &&
        process.connected &&
        process.figures?.state === 'ready',
    );
    const newest = Math.max(...ready.map(([{ generation }]) => generation));
    let best: { worker: Worker; load: number } | undefined;
    for (const [worker, { figures }] of ready) {
      if (worker.generation !== newest || !figures) continue;
      // Its figures are a moment old: what it was offered since is not in them.
      const came = Object.values(figures.moved.in).reduce((sum, count) => sum + count, 0);
      const load = figures.inFlight - came + (this.#offered.get(worker) ?? 0);
      if (!best || load < best.load) best = { worker, load };
    }
    return best?.worker;
  }
}

function close(move: Move): void {
  move.handle?.close();
  move.handle = undefined;
}

function addAll(into: ByKind, counts: ByKind = {}, sign: 1 | -1 = 1): void {
  for (const [kind, count] of Object.entries(counts)) into[kind] = (into[kind] ?? 0) + sign * count;
}

function countIn(of: Map<Worker, ByKind>, worker: Worker, kind: string): void {
  const counts = of.get(worker) ?? {};
  of.set(worker, counts);
  counts[kind] = (counts[kind] ?? 0) + 1;
}
