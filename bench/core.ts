// npm run bench [-- core --quick]: measures the core and writes docs/reference/performance.md.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loadFor } from './adapters/load.ts';
import { deadlineMissMs, exitLatencyMs } from './core/exit.ts';
import { installPeers, PEERS } from './core/peers.ts';
import { compare, type Comparison, pinLoad } from './pairs/measure.ts';

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

const { folder, versions } = installPeers();
const server = fileURLToPath(new URL('core/server.ts', import.meta.url));
const subject = {
  args: (variant: string) => [server, variant, folder],
  load: loadFor('http'),
};
const effort = { processes: quick ? 2 : 10, bursts: quick ? 1 : 3 };
pinLoad();
const own = await beside('lastcall');
const rows = [rowOf('lastcall', own)];
for (const peer of PEERS) rows.push(rowOf(peer, await beside(peer)));

const verdict = (met: boolean): string => (met ? 'met' : 'missed');
const text = `# Performance

Written by \`npm run bench\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), server and load on the same machine.

## What the library costs

| figure | measured | to reach | |
|---|---|---|---|
| requests per second, with / without | ${own.ratio.toFixed(3)} | at least 0.97 | ${verdict(own.ratio >= 0.97)} |
| admit + end of one lease | ${figures.admitNs.toFixed(0)} ns | under 500 ns | ${verdict(figures.admitNs < 500)} |
| memory per held lease | ${figures.leaseBytes.toFixed(0)} bytes | under 400 bytes | ${verdict(figures.leaseBytes < 400)} |
| last byte of the last answer to exit, median | ${exitMs.toFixed(1)} ms | under 20 ms | ${verdict(exitMs < 20)} |
| exit past graceMs + forceMs (500 ms each) with a handler that never ends, whose client is answered forceMs / 4 before; median | ${missMs.toFixed(0)} ms | at most 100 ms | ${verdict(missMs <= 100)} |

## Beside others

The same bare \`node:http\` server, answering \`hello\` to 32 keep-alive connections of \`h2load\`, measured as [the adapters](adapters-performance.md) are: each variant shares a core with a bare server that is loaded at the same time, ${effort.processes} pairs of new processes, and beside the mean of their ratios stands its standard error. Each process loads all of them and uses one, since what a program has loaded moves its figure by several per cent.

| variant | throughput ratio | CPU ratio | CPU µs per request |
|---|---|---|---|
${rows.join('\n')}

## How to repeat it

\`\`\`sh
npm run bench              # everything; a few minutes, on an otherwise idle machine
npm run bench -- --quick   # one short pair of each, to see that it runs
\`\`\`

\`h2load\` is installed from Debian where that is possible. The peers are installed into \`.cache\`, in their newest versions.
`;
mkdirSync(new URL('.', `file://${page}`), { recursive: true });
if (!quick) writeFileSync(page, text);
process.stdout.write(text);

function beside(variant: string): Promise<Comparison> {
  process.stderr.write(`> throughput: bare and ${variant}\n`);
  return compare(subject, ['bare', variant], effort);
}

function rowOf(variant: string, { ratio, error, cpuRatio, cpuUs }: Comparison): string {
  const name = [variant, versions.get(variant)].join(' ').trim();
  return `| ${name} | ${ratio.toFixed(3)} ± ${error.toFixed(3)} | ${cpuRatio.toFixed(3)} | ${cpuUs.toFixed(1)} |`;
}
