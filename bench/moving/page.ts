import { cpus } from 'node:os';
import type { EnduranceRun, Reading } from './endurance.ts';
import type { KillRun } from './kills.ts';
import { type Pauses, type ReloadRun, type Retirement, SPACING_MS } from './reloads.ts';

/** One part as it was measured: when, and what else the machine was doing. */
export interface Measured<Run> {
  on: string;
  load: number;
  run: Run;
}

export interface Results {
  reloads?: Measured<ReloadRun> | undefined;
  endurance?: Measured<EnduranceRun> | undefined;
  kills?: Measured<KillRun> | undefined;
}

const EXIT_MS = 5_000;
const MEDIAN_MS = 50;
const P999_MS = 500;
/** How far the lowest of five readings may be off; a leak of 200 bytes for each move is more. */
const GROWN_MIB = 8;

const n = (value: number): string => value.toLocaleString('en');
const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const met = (yes: boolean): string => `**${yes ? 'met' : 'missed'}**`;

export function renderPage({ reloads, endurance, kills }: Results): string {
  const parts = [
    reloads && reloadPart(reloads),
    kills && killPart(kills),
    endurance && endurancePart(endurance),
  ];
  return `# Moving connections, measured

Written by \`npm run bench -- moving\`; do not edit. Measured with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), with the clients on the same machine in one process of their own. What is moved and how: [moving open connections](../guides/moving.md).

${parts.filter((part) => part !== undefined).join('\n')}`;
}

const about = ({ on, load }: Measured<unknown>): string =>
  `${on}; load average of the machine when it began: ${load.toFixed(1)}`;

function reloadPart(measured: Measured<ReloadRun>): string {
  const { run } = measured;
  const { account, unheard } = run.told;
  const whole =
    account.closed + account.missing + account.repeated + account.outOfOrder + account.garbled ===
      0 && account.sentFaults + unheard === 0;
  const exits = run.retirements.map(({ exitMs }) => exitMs);
  const slowest = Math.max(...exits);
  const pauses = [run.pauses.streams, run.pauses.sockets].filter((pause) => pause !== undefined);
  const rows = [
    pauseRow('event streams', run.pauses.streams),
    pauseRow('WebSockets', run.pauses.sockets),
    pauseRow('event streams, no reload', run.quiet.streams),
    pauseRow('WebSockets, no reload', run.quiet.sockets),
  ];
  return `## Reloads

${n(run.streams)} event streams and ${n(run.sockets)} WebSockets on a node of 2 workers, each sent a numbered event every ${SPACING_MS} ms; one WebSocket in ten sends numbered messages as well. ${run.reloads} reloads, one after the other (${about(measured)}).

| | |
|---|---|
| connections closed | ${n(account.closed)} of ${n(account.opened)} |
| events missing / repeated / out of order / garbled | ${n(account.missing)} / ${n(account.repeated)} / ${n(account.outOfOrder)} / ${n(account.garbled)} of ${n(account.events)} |
| messages of clients not heard / not in order | ${n(unheard)} / ${n(account.sentFaults)} of ${n(account.sent)} |
| connections moved / stayed | ${n(run.moves.moved)} / ${stayed(run.moves.stayed)} |
| old workers that did not end with 0 | ${run.ill.length === 0 ? 'none' : run.ill.join(', ')} |
| CPU of the clients | ${(run.clientCpu * 100).toFixed(0)} % of a core |

To reach: nothing closed, missing, repeated or out of order: ${met(whole)}.

| pause | median | 99.9 % | longest | measured |
|---|---|---|---|---|
${rows.filter((row) => row !== '').join('\n')}

A pause is the longest time between two events of a connection around one reload, less the normal ${SPACING_MS} ms. To reach: at most ${MEDIAN_MS} ms in the median and ${P999_MS} ms for 99.9 %: ${met(pauses.every(({ median, p999 }) => median <= MEDIAN_MS && p999 <= P999_MS))}.

| old worker | median | longest |
|---|---|---|
| retirement to exit | ${ms(middle(exits))} | ${ms(slowest)} |
| of it, moving 1,000 connections | ${perThousand(run.retirements)} |
| the rest | ${ms(middle(run.retirements.map(({ exitMs, movingMs }) => exitMs - movingMs)))} | ${ms(Math.max(...run.retirements.map(({ exitMs, movingMs }) => exitMs - movingMs)))} |

To reach: exit within ${EXIT_MS / 1_000} s: ${met(slowest <= EXIT_MS)}.
`;
}

function perThousand(retirements: Retirement[]): string {
  const each = retirements
    .filter(({ moved }) => moved > 0)
    .map(({ moved, movingMs }) => (movingMs / moved) * 1_000);
  return each.length === 0 ? '- | -' : `${ms(middle(each))} | ${ms(Math.max(...each))}`;
}

const middle = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

function stayed(reasons: Record<string, number>): string {
  const list = Object.entries(reasons).map(([reason, count]) => `${n(count)} (${reason})`);
  return list.length === 0 ? '0' : list.join(', ');
}

const pauseRow = (name: string, pauses: Pauses | undefined): string =>
  pauses
    ? `| ${name} | ${ms(pauses.median)} | ${ms(pauses.p999)} | ${ms(pauses.worst)} | ${n(pauses.count)} |`
    : '';

function killPart(measured: Measured<KillRun>): string {
  const { run } = measured;
  const { account } = run.told;
  const whole =
    account.missing +
    account.repeated +
    account.outOfOrder +
    account.garbled +
    run.cutWrongly +
    run.silent;
  return `## Kills in the middle of a move

SIGKILL of one of the two workers of a move at a random instant (seed ${run.seed}) while ${n(run.streams)} event streams are moved. Their events come from [the handover](../guides/handover.md); a client whose connection is cut connects again with the number of its last event. ${about(measured)}.

| | |
|---|---|
| kills of the old worker / of the successor | ${run.ofOld} / ${run.ofSuccessor} |
| kills that came after the move, not counted | ${run.tooLate} |
| connections moved | ${n(run.moved)} |
| connections cut, all of killed workers | ${n(account.closed)} |
| connections cut that a worker held which nobody killed | ${n(run.cutWrongly)} |
| events missing / repeated / out of order / garbled | ${n(account.missing)} / ${n(account.repeated)} / ${n(account.outOfOrder)} / ${n(account.garbled)} of ${n(account.events)} |
| clients that got nothing more after the last kill | ${n(run.silent)} |
| longest time without an event | ${ms(run.longestMs)} |

To reach: nothing missing or repeated, and all streams go on: ${met(whole === 0)}.
`;
}

function endurancePart(measured: Measured<EnduranceRun>): string {
  const { run } = measured;
  const { readings } = run;
  const half = readings.length >> 1;
  // A heap only grows between two collections, and a descriptor may be on its way out: the lowest reading is what is held.
  const grown = (of: (reading: Reading) => number): number =>
    Math.min(...readings.slice(half).map(of)) - Math.min(...readings.slice(0, half).map(of));
  const grownMib = grown(({ supervisor }) => supervisor.heapMib);
  const asBefore =
    grown(({ supervisor }) => supervisor.descriptors) <= 0 &&
    grown(({ supervisor }) => supervisor.timers) <= 0 &&
    grown(({ workers }) => workers.descriptors) <= 0 &&
    grownMib <= GROWN_MIB;
  const row = ({ reloads, supervisor, workers }: Reading): string =>
    `| ${reloads} | ${supervisor.rssMib.toFixed(0)} MiB | ${supervisor.heapMib.toFixed(1)} MiB | ${supervisor.descriptors} | ${supervisor.timers} | ${workers.rssMib.toFixed(0)} MiB | ${workers.descriptors} |`;
  return `## Memory and descriptors

${n(run.streams)} event streams and ${n(run.sockets)} WebSockets over ${run.reloads} reloads; ${n(run.told.account.closed)} closed, ${n(run.told.account.missing)} events missing (${about(measured)}).

| after reloads | supervisor, resident | its heap | its descriptors | its timers | both workers, resident | their descriptors |
|---|---|---|---|---|---|---|
${readings.map(row).join('\n')}

Lowest heap of the supervisor in the second half of the readings, less that in the first: ${grownMib.toFixed(1)} MiB (it is read between collections, and keeps the last 200 stops and 500 lines of the log). To reach, by the lowest readings: descriptors and timers as before, at most ${GROWN_MIB} MiB more: ${met(asBefore)}.
`;
}
