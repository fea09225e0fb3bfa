// kill -9 of one of the two workers of a move, at random instants in the middle of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../../packages/handover/test/support/postgres.ts';
import { seeded } from '../estimates/random.ts';
import type { Told } from './crowd-process.ts';
import { endsWithBench } from './cleanup.ts';
import { Crowd } from './crowd.ts';
import { logged, type MovingNode, quiet, startNode, type Worker } from './node.ts';
import { say } from './reloads.ts';

const STEP_MS = 30_000;
/** What a first kill takes a move to last; later ones take the last that was not cut short. */
const MOVE_MS = 150;
const MOVE_MAX_MS = 1_000;
/** How long every client has to get one more event after the last kill. */
const ALIVE_MS = 15_000;
const NO_PAUSES = ['--prove-ms', '50', '--backoff-ms', '0', '--restart-limit', '100000'];

export interface KillRun {
  streams: number;
  seed: number;
  /** Kills while the old worker still had connections to give away: of it, and of the worker that took over. */
  ofOld: number;
  ofSuccessor: number;
  /** Kills that came when the move was over already; not counted in the number asked for. */
  tooLate: number;
  told: Told;
  /** Streams that were cut although a worker that was not killed, and not retiring, had written to them last. */
  cutWrongly: number;
  /** Connections that were moved. */
  moved: number;
  /** The longest time without an event that a client saw around each kill; worst of all, ms. */
  longestMs: number;
  /** Clients that got no more events after the last kill. */
  silent: number;
}

export async function killRun(size: {
  streams: number;
  kills: number;
  seed: number;
}): Promise<KillRun> {
  const { streams, kills, seed } = size;
  const random = seeded(seed);
  await using postgres = await startPostgres();
  const ended = endsWithBench(() => postgres[Symbol.asyncDispose]());
  await using node = await startNode('work-app.ts', {
    flags: NO_PAUSES,
    env: { DATABASE_URL: postgres.url },
  });
  const crowd = await Crowd.open({ port: node.port, streams, sockets: 0, resume: true });
  const count = { old: 0, successor: 0, tooLate: 0 };
  let cuts: Record<string, number> = {};
  let [cutWrongly, moveMs, longestMs, closed] = [0, MOVE_MS, 0, 0];
  try {
    while (count.old + count.successor < kills && count.tooLate < kills + 10) {
      const { old, victim, delayMs, killedMs } = await killOnce(node, random, moveMs);
      // It was killed, or its end was waited for.
      await quiet(node);
      const waitedMs = Math.max(...(await crowd.longest()));
      longestMs = Math.max(longestMs, waitedMs);
      const { cuts: after, account } = await crowd.told();
      const cut = account.closed - closed;
      closed = account.closed;
      const { left } = old;
      // It still had connections to give away; of one that was killed its clients know that.
      const inTime = victim === old ? cut > 0 : delayMs < (left?.tookMs ?? 0);
      count[inTime ? (victim === old ? 'old' : 'successor') : 'tooLate'] += 1;
      if (left) moveMs = Math.min(left.tookMs, MOVE_MAX_MS);
      // One whose last event came from a worker that had retired may have been at the victim already.
      const kept = [...node.workers.values()].filter(
        (worker) =>
          worker !== victim &&
          !((worker.retiredMs ?? Infinity) < killedMs) &&
          !((worker.exitedMs ?? Infinity) < killedMs),
      );
      for (const { name, pid } of kept) {
        const wrongly = (after[pid] ?? 0) - (cuts[pid] ?? 0);
        cutWrongly += wrongly;
        if (wrongly > 0) say(`  ${wrongly} cut that ${name} had written to, ${victim.name} killed`);
      }
      cuts = after;
      say(
        `kill ${count.old + count.successor} of ${kills}: ${victim === old ? 'old worker' : 'successor'} after ${delayMs.toFixed(0)} ms${inTime ? '' : ' (too late)'}, ${cut} cut, ${waitedMs.toFixed(0)} ms without an event, so far ${account.missing} missing, ${account.repeated} repeated, ${cutWrongly} cut wrongly`,
      );
    }
    const silent = await silentClients(crowd);
    const told = await crowd.told();
    const { moves } = await node.status();
    return {
      streams,
      seed,
      ofOld: count.old,
      ofSuccessor: count.successor,
      tooLate: count.tooLate,
      told,
      cutWrongly,
      moved: moves.moved,
      longestMs,
      silent,
    };
  } finally {
    ended();
    await crowd.end();
  }
}

async function silentClients(crowd: Crowd): Promise<number> {
  const { lasts } = await crowd.told();
  const startedMs = performance.now();
  for (;;) {
    const now = await crowd.told();
    const silent = now.lasts.filter((last, i) => last <= lasts[i]!).length;
    if (silent === 0 || performance.now() - startedMs > ALIVE_MS) return silent;
    await sleep(100);
  }
}

/** Reloads, and kills one of the two workers of one of the retirements at a random instant. */
async function killOnce(
  node: MovingNode,
  random: () => number,
  moveMs: number,
): Promise<{ old: Worker; victim: Worker; delayMs: number; killedMs: number }> {
  const known = new Set(node.workers.keys());
  const delayMs = random() * moveMs;
  const killsOld = random() < 0.5;
  // A new version whose first worker is killed may be discarded; then the old ones stay.
  const reload = node.reload().catch(() => undefined);
  const retiring = (): Worker | undefined =>
    [...node.workers.values()].find(
      ({ name, retiredMs }) => known.has(name) && retiredMs && !before.has(name),
    );
  const before = new Set(
    [...node.workers.values()].filter(({ retiredMs }) => retiredMs).map(({ name }) => name),
  );
  if (!(await logged(node, () => retiring() !== undefined, STEP_MS)))
    throw new Error('The reload retires no worker.');
  const old = retiring()!;
  const successor = [...node.workers.values()].findLast(
    ({ name, readyMs, exitedMs }) => !known.has(name) && readyMs && !exitedMs,
  )!;
  await sleep(delayMs - (performance.now() - old.retiredMs!));
  const victim = killsOld ? old : successor;
  const killedMs = performance.now();
  if (victim.exitedMs === undefined) kill(victim.pid);
  await reload;
  return { old, victim, delayMs, killedMs };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself, and the log has not said so yet: this one is too late.
  }
}
