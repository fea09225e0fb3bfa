// npm run bench [-- core --quick]: measures the core and writes docs/reference/performance.md.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { deadlineMissMs, exitLatencyMs } from './core/exit.ts';
import { installPeers, PEERS } from './core/peers.ts';
import { throughput } from './core/throughput.ts';

const quick = process.argv.includes('--quick');
const page = fileURLToPath(new URL('../docs/reference/performance.md', import.meta.url));

process.stderr.write('> ledger\n');
const ledger = fileURLToPath(new URL('core/ledger-figures.ts', import.meta.url));
const figures = JSON.parse(
  execFileSync(process.execPath, ['--expose-gc', ledger], { encoding: 'utf8' }),
) as { admitNs: number; leaseBytes: number };
process.stderr.write('> exits\n');
const exitMs = await exitLatencyMs(quick ? 3 : 21);
const missMs = await deadlineMissMs(quick ? 1 : 7);
process.stderr.write('> throughput\n');
const { folder, versions } = installPeers();
const ratios = await throughput(['lastcall', ...PEERS], {
  pairs: quick ? 1 : 7,
  seconds: quick ? 1 : 2,
  peers: folder,
});

const rows = ratios.map(
  ({ variant, ratio, low, high, requestsPerSecond }) =>
    `| ${variant} ${versions.get(variant) ?? ''} | ${ratio.toFixed(3)} | ${low.toFixed(3)} to ${high.toFixed(3)} | ${Math.round(requestsPerSecond)} |`,
);
const own = ratios[0]?.ratio ?? Number.NaN;
const verdict = (met: boolean): string => (met ? 'met' : 'missed');
const text = `# Performance

Written by \`npm run bench\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), server and load on the same machine.

## What the library costs

| figure | measured | to reach | |
|---|---|---|---|
| requests per second, with / without | ${own.toFixed(3)} | at least 0.97 | ${verdict(own >= 0.97)} |
| admit + end of one lease | ${figures.admitNs.toFixed(0)} ns | under 500 ns | ${verdict(figures.admitNs < 500)} |
| memory per held lease | ${figures.leaseBytes.toFixed(0)} bytes | under 400 bytes | ${verdict(figures.leaseBytes < 400)} |
| last byte of the last answer to exit, median | ${exitMs.toFixed(1)} ms | under 20 ms | ${verdict(exitMs < 20)} |
| exit after graceMs + forceMs with a handler that never ends, median | ${missMs.toFixed(0)} ms | within 100 ms | ${verdict(Math.abs(missMs) <= 100)} |

## Beside others

The same bare \`node:http\` server, answering \`hello\` to 32 keep-alive connections of \`wrk\`. Each variant runs beside a bare run of its own, in interleaved pairs whose order changes; the ratio is the median over ${quick ? 1 : 7} pairs, with its middle half.

| variant | ratio to bare | middle half | requests per second |
|---|---|---|---|
${rows.join('\n')}

## How to repeat it

\`\`\`sh
npm run bench              # everything; a few minutes, on an otherwise idle machine
npm run bench -- --quick   # one short pair of each, to see that it runs
\`\`\`

\`wrk\` is installed from Debian where that is possible. The peers are installed into \`.cache\`, in their newest versions.
`;
mkdirSync(new URL('.', `file://${page}`), { recursive: true });
if (!quick) writeFileSync(page, text);
process.stdout.write(text);
