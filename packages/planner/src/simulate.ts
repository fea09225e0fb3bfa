import type { Distribution } from './distribution.ts';
import { PlannerError } from './errors.ts';
import { TimeHeap } from './heap.ts';
import { InFlight } from './in-flight.ts';
import { seeded } from './random.ts';
import { expectRollout, type Rollout } from './rollout.ts';

export interface Simulated {
  requests: number;
  /** Work that had not ended at the deadline of its node. */
  cut: number;
  /** Work that was in flight on a node when its drain began. */
  caught: number;
  /** Requests for which no node was routable. */
  homeless: number;
  rolloutMs: number;
  /** The fewest nodes that were ready at a time. */
  leastReady: number;
  /** From the stop signal to the end of the last work or the deadline, one for each node. */
  stopsMs: Float64Array;
  /** Work in flight when the drain began, one for each node. */
  inFlight: Int32Array;
  /** Nodes whose deadline passed with work in flight. */
  late: number;
}

const READY = 1;
const LEAVING = 2;
const DRAINING = 3;
const GONE = 4;

/** Kinds of steps in the life of a node; a step is packed with the node's number. */
const STEPS = { ready: 0, signal: 1, drain: 2, deadline: 3, gone: 4 } as const;
const KINDS = 5;

/**
 * Simulates one rollout: every request by itself, every node with its phases. It begins in a steady
 * state, with as much work in flight as the durations and the rate make. The same seed gives the
 * same result.
 */
export function simulate(durations: Distribution, rollout: Rollout, seed = 1): Simulated {
  expectRollout(rollout);
  expectSize(durations, rollout);
  const run = new Run(durations, rollout, seed);
  run.fill();
  run.replaceAll();
  return run.result;
}

/** What a minute of one core is enough for. */
const [REQUESTS_MOST, NODES_MOST] = [2e8, 1e6];

/** Throws `ERR_PLANNER_OPTION` for a rollout that would be simulated for hours. */
function expectSize(durations: Distribution, rollout: Rollout): void {
  const { nodes, surge, unavailable, ratePerSecond, startMs, preStopMs, graceMs } = rollout;
  const steps = Math.ceil(nodes / (surge + unavailable));
  // What is in flight at the beginning is as many requests as come in the mean time that one takes.
  const seconds = (steps * startMs + preStopMs + graceMs + durations.meanMs) / 1_000;
  const requests = seconds * ratePerSecond;
  if (nodes <= NODES_MOST && requests <= REQUESTS_MOST) return;
  throw new PlannerError(
    'ERR_PLANNER_OPTION',
    `nodes, rate and times: expected a rollout of at most ${NODES_MOST} nodes and ${REQUESTS_MOST} requests, got ${nodes} nodes and about ${requests.toPrecision(2)} requests (${ratePerSecond} a second for ${steps} x ${startMs / 1_000} s to start and up to ${((preStopMs + graceMs) / 1_000).toFixed(0)} s to stop). Replace more nodes at a time, or plan for a part of them with its part of the rate.`,
  );
}

class Run {
  readonly result: Simulated;
  readonly #rollout: Rollout;
  readonly #random: () => number;
  readonly #table: Float64Array;
  readonly #ends = new TimeHeap();
  readonly #steps = new TimeHeap();
  readonly #state: Uint8Array;
  readonly #open: Int32Array;
  readonly #signalMs: Float64Array;
  /** Numbers of the nodes that are sent requests, and where each stands in that list. */
  readonly #routable: number[] = [];
  readonly #place: Int32Array;
  readonly #gapMs: number;
  #nowMs = 0;
  #nextMs = 0;
  #started: number;
  #ready: number;
  #stopping = 0;
  #gone = 0;

  constructor(durations: Distribution, rollout: Rollout, seed: number) {
    const { nodes, ratePerSecond } = rollout;
    this.#rollout = rollout;
    this.#random = seeded(seed);
    this.#table = durations.table();
    this.#state = new Uint8Array(2 * nodes);
    this.#open = new Int32Array(2 * nodes);
    this.#signalMs = new Float64Array(2 * nodes);
    this.#place = new Int32Array(2 * nodes).fill(-1);
    this.#gapMs = 1_000 / ratePerSecond;
    this.#started = nodes;
    this.#ready = nodes;
    this.result = {
      requests: 0,
      cut: 0,
      caught: 0,
      homeless: 0,
      rolloutMs: 0,
      leastReady: nodes,
      stopsMs: new Float64Array(nodes),
      inFlight: new Int32Array(nodes),
      late: 0,
    };
    for (let node = 0; node < nodes; node += 1) {
      this.#state[node] = READY;
      this.#route(node);
    }
  }

  /** Puts in flight what is there at any moment: as many pieces as arrive, by chance, in the mean time that one takes. */
  fill(): void {
    const random = this.#random;
    const inFlight = new InFlight(this.#table);
    const untilMs = inFlight.meanMs;
    for (let atMs = this.#gap(); atMs < untilMs; atMs += this.#gap())
      this.#begin(inFlight.leftMs(random));
    this.#nextMs = this.#gap();
  }

  replaceAll(): void {
    const beganMs = this.#nowMs;
    const { nodes } = this.#rollout;
    this.#move();
    this.#advance(() => this.#gone === nodes && this.#ready === nodes);
    this.result.rolloutMs = this.#nowMs - beganMs;
  }

  /** Goes from event to event until `done`. */
  #advance(done: () => boolean): void {
    while (!done()) {
      const endMs = this.#ends.firstMs;
      const stepMs = this.#steps.firstMs;
      const next = Math.min(this.#nextMs, endMs, stepMs);
      this.#nowMs = next;
      if (next === stepMs) this.#step(this.#steps.take());
      else if (next === endMs) this.#end(this.#ends.take());
      else {
        this.#arrive();
        this.#nextMs = next + this.#gap();
      }
    }
  }

  #arrive(): void {
    this.result.requests += 1;
    if (this.#routable.length === 0) this.result.homeless += 1;
    else this.#begin(this.#table[(this.#random() * this.#table.length) | 0]!);
  }

  /** A piece of work that ends so long from now, on one of the nodes that are routed to. */
  #begin(leftMs: number): void {
    const node = this.#routable[(this.#random() * this.#routable.length) | 0]!;
    this.#open[node]! += 1;
    this.#ends.add(this.#nowMs + leftMs, node);
  }

  /** Until the next request of a Poisson process. */
  #gap(): number {
    return -this.#gapMs * Math.log(1 - this.#random());
  }

  #end(node: number): void {
    if (this.#state[node] === GONE) return;
    this.#open[node]! -= 1;
    if (this.#state[node] === DRAINING && this.#open[node] === 0) this.#stop(node);
  }

  #step(packed: number): void {
    const node = Math.floor(packed / KINDS);
    const { leaveMs, graceMs } = this.#rollout;
    switch (packed % KINDS) {
      case STEPS.ready:
        this.#state[node] = READY;
        this.#ready += 1;
        this.#route(node);
        this.#move();
        return;
      case STEPS.signal:
        this.#signalMs[node] = this.#nowMs;
        this.#later(leaveMs, STEPS.drain, node);
        this.#later(graceMs, STEPS.deadline, node);
        return;
      case STEPS.drain:
        this.#drain(node);
        return;
      case STEPS.deadline:
        // A leave time as long as the grace ends at the same moment.
        this.#drain(node);
        if (this.#state[node] !== DRAINING) return;
        this.result.cut += this.#open[node]!;
        this.result.late += 1;
        this.#stop(node);
        return;
      default:
        this.#gone += 1;
        this.#stopping -= 1;
        this.#move();
    }
  }

  /** Routing has moved away. */
  #drain(node: number): void {
    if (this.#state[node] !== LEAVING) return;
    this.#unroute(node);
    this.#state[node] = DRAINING;
    this.result.inFlight[node] = this.#open[node]!;
    this.result.caught += this.#open[node]!;
    if (this.#open[node] === 0) this.#stop(node);
  }

  /** The last work has ended, or was cut off. */
  #stop(node: number): void {
    this.#state[node] = GONE;
    this.result.stopsMs[node] = this.#nowMs - this.#signalMs[node]!;
    this.#later(this.#rollout.exitMs, STEPS.gone, node);
  }

  /** Starts and stops as many nodes as surge and unavailable allow now. */
  #move(): void {
    const { nodes, surge, unavailable, startMs, preStopMs } = this.#rollout;
    const retired = (): number => this.#stopping + this.#gone;
    while (retired() < nodes && this.#ready > nodes - unavailable) {
      const node = retired();
      this.#stopping += 1;
      this.#state[node] = LEAVING;
      this.#ready -= 1;
      this.#later(preStopMs, STEPS.signal, node);
    }
    // A node that stops is not counted any more by a Deployment once it terminates.
    while (this.#started < 2 * nodes && this.#started - retired() < nodes + surge) {
      this.#later(startMs, STEPS.ready, this.#started);
      this.#started += 1;
    }
    this.result.leastReady = Math.min(this.result.leastReady, this.#ready);
  }

  #later(ms: number, kind: number, node: number): void {
    this.#steps.add(this.#nowMs + ms, node * KINDS + kind);
  }

  #route(node: number): void {
    this.#place[node] = this.#routable.push(node) - 1;
  }

  #unroute(node: number): void {
    const place = this.#place[node]!;
    const last = this.#routable.pop()!;
    if (last === node) return;
    this.#routable[place] = last;
    this.#place[last] = place;
  }
}
