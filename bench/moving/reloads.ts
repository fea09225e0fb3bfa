// Reloads while streams and WebSockets are open: nothing may be lost, and how long clients wait.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Told } from './crowd-process.ts';
import { Crowd } from './crowd.ts';
import { allRetired, logged, startNode, type Status, type Worker } from './node.ts';

/** Time between two events of one stream. */
export const SPACING_MS = 500;
const QUIET_MS = 5_000;
const SETTLE_MS = 1_500;
const RETIRE_MS = 60_000;

export interface Pauses {
  median: number;
  p999: number;
  worst: number;
  count: number;
}

export interface Retirement {
  /** From its retirement to its exit, as the supervisor's log says it. */
  exitMs: number;
  moved: number;
  /** From the start of its stop until the last connection had gone. */
  movingMs: number;
}

export interface ReloadRun {
  streams: number;
  sockets: number;
  reloads: number;
  told: Told;
  /** Longest time without an event less the normal spacing, by kind; one for each client and reload. */
  pauses: { streams?: Pauses; sockets?: Pauses };
  /** The same over a time without a reload: what the machine itself does. */
  quiet: { streams?: Pauses; sockets?: Pauses };
  retirements: Retirement[];
  /** Workers that did not end in time, or not with 0. */
  ill: string[];
  moves: Status['moves'];
  clientCpu: number;
}

export interface Size {
  streams: number;
  sockets: number;
  reloads: number;
}

export async function reloadRun({ streams, sockets, reloads }: Size): Promise<ReloadRun> {
  await using node = await startNode('app.ts');
  say(`opening ${streams} streams and ${sockets} WebSockets`);
  const crowd = await Crowd.open({ port: node.port, streams, sockets, resume: false });
  try {
    say('all are open');
    await sleep(SETTLE_MS);
    await crowd.longest();
    const cpuBefore = (await crowd.told()).cpuMs;
    const startedMs = performance.now();
    await sleep(QUIET_MS);
    const quiet = [await crowd.longest()];
    const windows: number[][] = [];
    for (let i = 1; i <= reloads; i += 1) {
      await node.reload();
      if (!(await logged(node, () => allRetired(node), RETIRE_MS)))
        say(`after ${RETIRE_MS} ms an old worker is still there`);
      await sleep(SETTLE_MS);
      windows.push(await crowd.longest());
      const { account } = await crowd.told();
      say(
        `reload ${i} of ${reloads}: ${account.closed} closed, ${account.missing} missing, ${account.repeated} repeated, ${account.outOfOrder} out of order`,
      );
    }
    const told = await crowd.told();
    const clientCpu = (told.cpuMs - cpuBefore) / (performance.now() - startedMs);
    const { moves } = await node.status();
    const retired = [...node.workers.values()].filter(({ retiredMs }) => retiredMs !== undefined);
    return {
      streams,
      sockets,
      reloads,
      told,
      pauses: byKind(windows, streams),
      quiet: byKind(quiet, streams),
      retirements: retired.filter(({ exitedMs }) => exitedMs !== undefined).map(asRetirement),
      ill: retired
        .filter(({ how }) => how !== 'exited with code 0')
        .map(({ name, how }) => `${name}: ${how ?? 'still there'}`),
      moves,
      clientCpu,
    };
  } finally {
    await crowd.end();
  }
}

const asRetirement = ({ retiredMs = 0, exitedMs = 0, left }: Worker): Retirement => ({
  exitMs: exitedMs - retiredMs,
  moved: left?.count ?? 0,
  movingMs: left?.tookMs ?? 0,
});

function byKind(windows: number[][], streams: number): ReloadRun['pauses'] {
  const of = (pick: (window: number[]) => number[]): Pauses | undefined =>
    spread(windows.flatMap(pick));
  const found: ReloadRun['pauses'] = {};
  const first = of((window) => window.slice(0, streams));
  const second = of((window) => window.slice(streams));
  if (first) found.streams = first;
  if (second) found.sockets = second;
  return found;
}

function spread(longest: number[]): Pauses | undefined {
  if (longest.length === 0) return undefined;
  const sorted = Float64Array.from(longest, (ms) => Math.max(0, ms - SPACING_MS)).sort();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { median: at(0.5), p999: at(0.999), worst: at(1), count: sorted.length };
}

export const say = (text: string): unknown => process.stderr.write(`> ${text}\n`);
