// The page that the bench writes.
import type { Endurance } from './endurance.ts';
import type { KillRun } from './kills.ts';
import { lostOf, type Run } from './reloads.ts';
import type { Throughput } from './throughput.ts';

export interface Results {
  machine: string;
  runs: Run[];
  kills: KillRun | undefined;
  throughput: Throughput | undefined;
  endurance: Endurance | undefined;
  versions: Record<string, string>;
}

const verdict = (met: boolean): string => (met ? 'met' : 'missed');
const errorsOf = (errors: Record<string, number>): string =>
  Object.entries(errors)
    .map(([error, count]) => `${error} ${count}`)
    .join(', ') || 'none';

export function renderPage(results: Results): string {
  const { machine, versions } = results;
  return `# The process manager, measured

Written by \`node bench/supervisor/run.ts\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with ${machine}, servers and load on the same machine. gunicorn ${versions.gunicorn || 'not installed'}, uvicorn ${versions.uvicorn || 'not installed'}.

${reloads(results.runs)}
${results.kills ? killed(results.kills) : ''}
${results.throughput ? speed(results.throughput) : ''}
${results.endurance ? growth(results.endurance) : ''}
## How to repeat it

\`\`\`sh
node bench/supervisor/run.ts           # everything: about half an hour, best on an otherwise idle machine
node bench/supervisor/run.ts --quick   # a few of each
node bench/supervisor/run.ts kills     # one part; the page keeps the others' last figures
\`\`\`
`;
}

const reloads = (runs: Run[]): string => `## Reloads under load

Raw sockets that retry nothing, on two workers: 32 keep-alive clients that think 50 to 150 ms, 16 that always have a request under way, 8 that connect anew for each request, 16 with requests of 800 ms, 16 event streams of 1.5 s, 4 uploads of about a second. *Lost*: the connection ended before the answer was whole, was refused, or the answer was wrong. *Refused*: answered 503.

| | reloads | requests | lost | lost per reload | refused | ms per reload |
|---|---|---|---|---|---|---|
${runs.map(row).join('\n')}

To reach: 0 lost and 0 refused over 100 reloads in a row, and with upgrades and changes of scale among them: **${verdict(runs.slice(0, 2).every(({ sum, reloads }) => reloads >= 100 && lostOf(sum) + sum.refused === 0))}**.
`;

const row = ({ name, reloads: count, sum, msEach }: Run): string =>
  `| ${name} | ${count} | ${sum.requests} | ${lostOf(sum)} | ${(lostOf(sum) / count).toFixed(1)} | ${sum.refused} | ${msEach.toFixed(0)} |`;

const killed = (run: KillRun): string => `## kill -9 of a worker

${run.kills} kills under the same load, 92 clients on two workers. A killed worker takes with it the one request that each of its connections may have under way.

| figure | measured |
|---|---|
| requests lost per kill | ${(run.lost / run.kills).toFixed(1)} |
| errors seen | ${errorsOf(run.errors)} |
| connections refused | ${run.unconnected} |
| requests refused | ${run.refused} |
| longest wait for a new connection | ${run.longestConnectMs.toFixed(0)} ms |
| from the kill until another worker is ready in its place, median | ${run.bootMs.toFixed(0)} ms |

To reach: no other error, and new connections wait less than a worker takes to boot under this load: **${verdict(run.unconnected === 0 && run.refused === 0 && run.longestConnectMs < run.bootMs)}**.
`;

const speed = ({
  keepAlive,
  fresh,
  supervisorCpu,
}: Throughput): string => `## Throughput of two workers

\`wrk\` with 64 connections, in interleaved pairs; medians.

| | lastcall | node:cluster | ratio of pairs | to reach | |
|---|---|---|---|---|---|
| keep-alive, requests/s | ${keepAlive.lastcall.toFixed(0)} | ${keepAlive.cluster.toFixed(0)} | ${keepAlive.ratio.toFixed(2)} | at least 1 | ${verdict(keepAlive.ratio >= 1)} |
| new connections/s | ${fresh.lastcall.toFixed(0)} | ${fresh.cluster.toFixed(0)} | ${fresh.ratio.toFixed(2)} | at least 1 | ${verdict(fresh.ratio >= 1)} |
| the supervisor's own CPU, of one core | ${(supervisorCpu * 100).toFixed(2)} % | | | below 1 % | ${verdict(supervisorCpu < 0.01)} |
`;

const growth = ({
  reloads: count,
  first,
  last,
  msEach,
}: Endurance): string => `## ${count} reloads in a row

One worker, no load, ${msEach.toFixed(0)} ms each.

| the supervisor's | after ${first.reloads} | after ${count} |
|---|---|---|
| resident memory, MB | ${first.rssMb.toFixed(1)} | ${last.rssMb.toFixed(1)} |
| heap in use, MB | ${first.heapMb.toFixed(1)} | ${last.heapMb.toFixed(1)} |
| descriptors | ${first.descriptors} | ${last.descriptors} |
| timers | ${first.timers} | ${last.timers} |
`;
