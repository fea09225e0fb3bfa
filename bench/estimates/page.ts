import { cpus } from 'node:os';
import type { Calibration } from '../estimates.ts';

interface Costs {
  addNs: number;
  askMs: ReadonlyMap<number, number>;
  bytes: number;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** docs/reference/estimates.md. */
export function page(all: readonly Calibration[], { addNs, askMs, bytes }: Costs): string {
  const rows = all.map(
    ({ name, doc, drains, answered, inFlight, p90Held, error, blindError, bias }) =>
      `| ${name} | ${doc} | ${drains} | ${percent(answered)} | ${inFlight} | ${percent(p90Held)} | ${bias.toFixed(2)} | ${percent(error)} | ${percent(blindError)} |`,
  );
  const held = all.filter(({ p90Held }) => p90Held >= 0.85 && p90Held <= 0.95);
  const close = all.filter(({ error }) => error < 0.2);
  const names = (list: readonly Calibration[]): string => list.map(({ name }) => name).join(', ');
  const rest = all.filter((one) => !close.includes(one));
  const asked = [...askMs].map(
    ([leases, ms]) =>
      `| one estimate with ${leases} leases in flight | ${ms.toFixed(2)} ms | at most ten times a second |`,
  );
  return `# Finish estimates

Written by \`node bench/estimates.ts\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores. The traffic and the seeds are fixed, so the shares repeat; the times do not.

## What is said, and how

For each kind of work, and for each label that the application gives its leases (\`lease.label = '/v1/responses'\`, up to 64 a kind), a sketch holds how long completed work took: 192 logarithmic buckets, each 9 % wide, in which a value counts half after 1,000 newer ones. Its tail is fitted (a generalised Pareto tail on the hundred longest values), so that work longer than any seen so far has its chance. With \`recordDir\` set, the sketches are kept over restarts.

The finish estimate is the time until the **last** lease ends. Each lease has an age; the chance that it ends within a time is taken from the durations above that age, and the chance that all have ended is the product. p50, p90 and p99 are the times at which that product reaches 50, 90 and 99 %. The endpoints say p90; \`lastcall_drain_estimate_seconds\` has all three.

There is **no** estimate (\`null\`, \`NaN\` in the metrics) while fewer than 20 durations of a kind in flight have been measured, and while a lease is so old that nothing like it has ended. Work that is cut off at a deadline is not measured, so estimates of a service that often cuts work off are too short.

## How often it is right

Each row is one kind of traffic, replayed through the ledger; at each of many moments the estimate is compared with when the last of the work then in flight really ended. \`recorded\` was recorded from a real server on this machine with three routes (an answer at once, brotli of texts of many sizes, a stream of tokens) and 24 clients (\`bench/estimates/record.ts\`); the rest is synthetic, with Poisson arrivals.

| traffic | | drains | with an estimate | in flight | p90 held | fact / p50, median | error of p50, median | error of a blind guess |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

![How often each estimate held: the lines are near the diagonal](../images/estimates.svg)

- p90 is to hold in 85 to 95 % of drains: it does for ${held.length} of ${all.length} (${names(held)}).
- The median error of p50 is to be under 20 %: it is for ${close.length} of ${all.length} (${names(close)}).${rest.length > 0 ? ` For the others (${names(rest)}) the time of the last end is itself so uncertain that no single number is within 20 % half of the time: the last column is the error of the best guess that knows the median of all the facts beforehand, and looks at no lease.` : ''}
- Where work has a heavy tail, use p90 and p99, not p50.

## What it costs

| figure | measured | to reach |
|---|---|---|
| adding one duration | ${addNs.toFixed(0)} ns | under 1,000 ns |
| memory of one label | ${(bytes / 1_024).toFixed(1)} KiB | under 4 KiB |
${asked.join('\n')}

Adding is O(1). An estimate looks at each open lease once, groups them by sketch and age, and is kept for 100 ms.
`;
}
