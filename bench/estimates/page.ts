import { cpus } from 'node:os';
import type { Calibration } from '../estimates.ts';

interface Costs {
  addNs: number;
  askMs: ReadonlyMap<number, number>;
  bytes: number;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const names = (list: readonly Calibration[]): string => list.map(({ name }) => name).join(', ');

/** Why the error is above what was wanted. */
function whyNot(rest: readonly Calibration[], impossible: readonly Calibration[]): string {
  if (rest.length === 0) return '';
  const possible = rest.filter((one) => !impossible.includes(one));
  const more = possible.length > 0 ? ` For ${names(possible)} it could be reached.` : '';
  return ` For ${names(impossible)} nobody can: the last of the work in flight ends at a time that is itself so uncertain that even the best number, chosen with the true law at hand, is further off than that half of the time (last column).${more}`;
}

/** docs/reference/estimates.md. */
export function page(all: readonly Calibration[], { addNs, askMs, bytes }: Costs): string {
  const rows = all.map(
    ({ name, doc, drains, answered, inFlight, bias, ...one }) =>
      `| ${name} | ${doc} | ${drains} | ${percent(answered)} | ${inFlight} | ${percent(one.p90Held)} | ${percent(one.oracleP90Held)} | ${bias.toFixed(2)} | ${percent(one.error)} | ${percent(one.oracleError)} | ${percent(one.leastError)} |`,
  );
  const held = all.filter(({ p90Held }) => p90Held >= 0.85 && p90Held <= 0.95);
  const close = all.filter(({ error }) => error < 0.2);
  const rest = all.filter((one) => !close.includes(one));
  const impossible = rest.filter(({ leastError }) => leastError >= 0.2);
  const furthest = Math.max(...all.map(({ error, oracleError }) => error / oracleError - 1));
  const asked = [...askMs].map(
    ([leases, ms]) =>
      `| one estimate with ${leases} leases in flight | ${ms.toFixed(2)} ms | at most ten times a second |`,
  );
  return `# Finish estimates

Written by \`node bench/estimates.ts\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores. The traffic and the seeds are fixed, so the shares repeat; the times do not.

## What is said, and how

For each kind of work, and for each label that the application gives its leases (\`lease.label = '/v1/responses'\`, up to 64 a kind), a sketch holds how long completed work took: 216 logarithmic buckets, each 9 % wide, from 1 ms to 37 hours, in which a value counts half after 10,000 newer ones. A shorter memory (1,000) runs beside it; when the two differ by more than chance anywhere, the pace has changed, and the longer one forgets what the shorter one does not know any more. The tail is fitted (a generalised Pareto tail on the hundred longest values), so that work longer than any seen so far has its chance. With \`recordDir\` set, the sketches are kept over restarts.

The finish estimate is the time until the **last** lease ends. Each lease has an age; the chance that it ends within a time is taken from the durations above that age, and the chance that all have ended is the product. p50, p90 and p99 are the times at which that product reaches 50, 90 and 99 %. The endpoints say p90 (\`estimated_finish_seconds\` in the answer of \`/-/shutdown/drain\` and, while the service drains, of \`/ready\` and \`/shutdown/status\`); \`lastcall_drain_estimate_seconds\` has all three. In a node of several workers each tells the times of seven chances, and the chances of all are multiplied again: the node has finished when the last of its workers has. For one piece of work, \`lifecycle.remainingMs(lease)\` says what it still needs, for a handler that has to choose between finishing and handing over.

There is **no** estimate (\`null\`, \`NaN\` in the metrics) while fewer than 20 durations of a kind in flight have been measured, and while a lease is so old that nothing like it has ended. Work that is cut off at a deadline is not measured, so estimates of a service that often cuts work off are too short.

## How often it is right

Each row is one kind of traffic, replayed through the ledger; at each of many moments the estimate is compared with when the last of the work then in flight really ended. \`recorded\` was recorded from a real server on this machine with three routes (an answer at once, brotli of texts of many sizes, a stream of tokens) and 24 clients (\`bench/estimates/record.ts\`); the rest is synthetic, with Poisson arrivals.

The **oracle** is one who knows the true law of the durations and the age of each lease, but not the future, and answers the same question. For recorded traffic its law is the whole recording of each route, what comes later included. **Least** is what no estimator can go below that does not know the future: for each drain the law of its end is reckoned from the true durations and the ages, the number that has the best chance to be within a given error is looked up in it, and the error is the one within which these numbers lie half of the time.

| traffic | | drains | with an estimate | in flight | p90 held | p90 of the oracle held | fact / p50, median | error of p50, median | of the oracle's p50 | least |
|---|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

![How often each estimate held: the lines are near the diagonal](../images/estimates.svg)

- p90 is to hold in 85 to 95 % of drains: it does for ${held.length} of ${all.length} (${names(held)}).
- The median error of p50 is to be under 20 %: it is for ${close.length} of ${all.length} (${names(close)}).${whyNot(rest, impossible)}
- The error is nowhere more than a factor of ${(1 + furthest).toFixed(2)} above the oracle's: to know the durations better would gain no more than that. (Where ours or the oracle's is below the least, that is chance: the least is what is to be expected, the others came out so in these drains.)
- Where work has a heavy tail, use p90 and p99, not p50.

## What it costs

| figure | measured | to reach |
|---|---|---|
| adding one duration | ${addNs.toFixed(0)} ns | under 1,000 ns |
| memory of one label, with what is reckoned from it | ${(bytes / 1_024).toFixed(1)} KiB | under 4 KiB |
${asked.join('\n')}

Adding is O(1). An estimate looks at each open lease once, groups them by sketch and age, and is kept for 100 ms.
`;
}
