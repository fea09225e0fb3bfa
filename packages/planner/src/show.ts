import type { Plan } from './plan.ts';
import type { Reading } from './readers/read.ts';
import type { Rollout } from './rollout.ts';

const seconds = (ms: number): string =>
  ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;

const percent = (share: number): string =>
  share !== 0 && share < 1e-4 ? '< 0.01 %' : `${(share * 100).toFixed(2)} %`;

const quantile = (values: ArrayLike<number>, share: number): number => {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
};

const beyondLine = ({ beyond }: Reading): string =>
  beyond
    ? `\n${percent(beyond.share)} of them are longer than ${seconds(beyond.edgeMs)}, the last edge of the histogram: they are taken to be twice as long and may be far longer, so this plan may be too short`
    : '';

/** The plan for people. */
export function showPlan(
  plan: Plan,
  reading: Reading,
  rollout: Omit<Rollout, 'graceMs'>,
  share: number,
): string {
  const { durations, source, read, skipped } = reading;
  const { simulated: run } = plan;
  const what = Number.isNaN(read) ? 'a histogram' : `${Math.round(read)} durations`;
  const rows = plan.settings.map(({ graceMs, cutShare, cutPerRollout, cleanStops }) => [
    `${graceMs === plan.graceMs ? '>' : ' '} ${seconds(graceMs)}`,
    percent(1 - cutShare),
    percent(cutShare),
    cutPerRollout.toFixed(cutPerRollout < 10 ? 2 : 0),
    percent(cleanStops),
  ]);
  return `${source}: ${what}${skipped > 0 ? `, ${skipped} lines skipped` : ''}: mean ${seconds(durations.meanMs)}, p50 ${seconds(durations.quantileMs(0.5))}, p99 ${seconds(durations.quantileMs(0.99))}, longest ${seconds(durations.quantileMs(1))}${beyondLine(reading)}
${rollout.nodes} nodes, ${rollout.ratePerSecond.toFixed(1)} requests/s: ${plan.inFlightPerNode.toFixed(1)} in flight on a node

For ${Number((share * 100).toPrecision(12))} % of the work in flight to end: grace ${seconds(plan.graceMs)} (of which up to ${seconds(rollout.leaveMs)} to leave)

${table([['  GRACE', 'ENDS', 'CUT OR HANDED OVER', 'PIECES A ROLLOUT', 'CLEAN STOPS'], ...rows])}

One rollout, simulated (${run.requests} requests): ${seconds(run.rolloutMs)}; at least ${run.leastReady} of ${rollout.nodes} nodes ready (${percent(run.leastReady / rollout.nodes)})
stops: median ${seconds(quantile(run.stopsMs, 0.5))}, p99 ${seconds(quantile(run.stopsMs, 0.99))}; ${run.caught} pieces caught in flight, ${run.cut} cut off on ${run.late} nodes${run.homeless > 0 ? `; ${run.homeless} requests found NO node` : ''}

${plan.manifest}`;
}

function table(rows: string[][]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  '),
    )
    .join('\n');
}
