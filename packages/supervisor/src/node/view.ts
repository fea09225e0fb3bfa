import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Access, estimateOf, type FinishEstimate, type WorkItem } from 'lastcall/supervised';
import type { MovesStatus, WorkerStatus } from '../control/status.ts';
import type { Stop } from '../stops.ts';
import type { Supervisor } from '../supervisor.ts';
import { addCounts, noCounts } from './counts.ts';
import { WorkAccount } from './figures.ts';

const WORK_SHOWN = 100;

/** A node at one moment. */
export interface NodeSnapshot {
  /** Of the supervisor. */
  pid: number;
  state: string;
  generation: number;
  workersWanted: number;
  workers: WorkerStatus[];
  inFlight: number;
  inFlightByKind: Record<string, number>;
  moves: MovesStatus;
  work: (WorkItem & { worker: string })[];
  estimate: FinishEstimate;
  /** Since the stop or drain began; 0 while there is none. */
  stopSeconds: number;
  deadlineInMs: number | null;
  outcomes: Record<string, number> & { lost: number };
  refused: number;
  lateArrivals: number;
  doing: string | null;
}

/** A page on the admin listener: answers what the endpoints do not. */
export interface Page {
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  close(): void;
}

export type MakePage = (view: NodeView) => Page;

/** What a page can show of a node, and do to it. */
export class NodeView {
  readonly #supervisor: Supervisor;
  readonly #access: Access;
  constructor(supervisor: Supervisor, access: Access) {
    this.#supervisor = supervisor;
    this.#access = access;
  }

  snapshot(work: boolean): Promise<NodeSnapshot> {
    return nodeSnapshot(this.#supervisor, work);
  }

  stops(): readonly Stop[] {
    return this.#supervisor.stopBook.stops;
  }

  async act(
    action: 'drain' | 'resume' | 'reload' | 'scale',
    workers: number | undefined,
  ): Promise<string> {
    const supervisor = this.#supervisor;
    if (action === 'drain') {
      const { inFlight } = await supervisor.doors.begin('drain', 'console');
      return `Draining, ${inFlight} in flight.`;
    }
    if (action === 'resume')
      return (await supervisor.doors.resume())
        ? 'The node takes work again.'
        : 'There was no drain to undo.';
    if (action === 'scale') {
      if (!Number.isInteger(workers) || workers! < 1 || workers! > 1_024)
        throw new Error('scale: expected a whole number of workers from 1 to 1024.');
      supervisor.post(() => supervisor.scale(workers!));
      return `Workers wanted: ${workers}.`;
    }
    if (supervisor.node.draining)
      throw new Error('The node drains, so no new worker is started. Resume it first.');
    const { ok, message } = await supervisor.reload('console');
    if (!ok) throw new Error(`Reload failed, the old workers stay: ${message}`);
    return 'All workers are replaced.';
  }

  isOperator({ headers, socket }: IncomingMessage): boolean {
    return this.#access.isOperator({ headers, remoteAddress: socket.remoteAddress });
  }
}

/** The node as the console and `lastcall watch` show it, the part of an older supervisor with it. `work`: with the oldest work, which costs a question to each worker. */
export async function nodeSnapshot(supervisor: Supervisor, work: boolean): Promise<NodeSnapshot> {
  const { node, doors } = supervisor;
  const [status, shares] = await Promise.all([doors.status(), doors.shares(work)]);
  const account = new WorkAccount();
  const counts = noCounts();
  for (const share of shares) {
    account.addAccount(share.account);
    addCounts(counts, share.counts);
  }
  // A worker that is killed cannot end its leases.
  const { completed = 0, lost = 0, ...others } = account.outcomes;
  const { killedLeases, moved, stayed } = counts;
  // A connection between two supervisors is on its way in both.
  const onTheirWay = Math.max(...shares.map((share) => share.onTheirWay));
  const items = shares.flatMap((share) => share.work);
  const { rollout } = node;
  return {
    pid: process.pid,
    state: node.stopping ? 'stopping' : node.paused ? 'paused' : status.state,
    generation: node.generation,
    workersWanted: node.target,
    workers: shares.flatMap(({ workers }) => workers),
    inFlight: status.inFlight,
    inFlightByKind: status.inFlightByKind,
    moves: { moved, on_their_way: onTheirWay, stayed },
    work: items.toSorted((a, b) => b.ageMs - a.ageMs).slice(0, WORK_SHOWN),
    estimate: estimateOf(status.curveMs ?? null, status.reason),
    stopSeconds: status.shutdownSeconds,
    deadlineInMs: status.deadlineInMs,
    outcomes: { completed, ...others, lost: lost + killedLeases },
    refused: account.refused,
    lateArrivals: account.lateArrivals,
    doing: rollout
      ? `reload: ${rollout.promoted} of ${node.target} workers replaced by generation ${rollout.generation}`
      : null,
  };
}
