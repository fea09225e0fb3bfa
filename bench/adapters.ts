// node bench/adapters.ts [--quick] [--only=FRAMEWORK]: what each adapter costs beside the same framework without it.
// Writes docs/reference/adapters-performance.md.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { compare, type Effort } from './adapters/measure.ts';

/** Each answers requests of HTTP/1.1, and can find the current lease. */
const FRAMEWORKS = [
  'http',
  'fastify',
  'express',
  'koa',
  'hono',
  'nest on express',
  'nest on fastify',
];
const PROTOCOLS = ['http2', 'grpc', 'sse', 'ws', 'socket.io', 'net'];
const TO_REACH = 0.95;
const only = process.argv.find((word) => word.startsWith('--only='))?.slice('--only='.length);
const quick = process.argv.includes('--quick');
const effort = quick ? { processes: 1, bursts: 2 } : { processes: 12, bursts: 8 };
const lessEffort = quick ? effort : { ...effort, processes: 4 };
const page = fileURLToPath(new URL('../docs/reference/adapters-performance.md', import.meta.url));

async function rowsFor(
  frameworks: readonly string[],
  variants: readonly [string, string],
  effort: Effort,
): Promise<string[]> {
  const rows: string[] = [];
  for (const framework of frameworks.filter((name) => only === undefined || name === only)) {
    process.stderr.write(`> ${framework}: ${variants.join(' and ')}\n`);
    const got = await compare(framework, variants, effort);
    const figures = [got.ratio.toFixed(3), `${got.low.toFixed(3)} to ${got.high.toFixed(3)}`];
    figures.push(got.cpuRatio.toFixed(3), got.cpuUs.toFixed(1), got.requestsPerSecond.toFixed(0));
    if (variants[0] === 'bare') figures.push(got.ratio >= TO_REACH ? 'met' : 'missed');
    rows.push(`| ${[framework, ...figures].join(' | ')} |`);
  }
  return rows;
}

const attached = await rowsFor(FRAMEWORKS, ['bare', 'attached'], effort);
const protocols = await rowsFor(PROTOCOLS, ['bare', 'attached'], effort);
const current = await rowsFor(FRAMEWORKS, ['attached', 'current'], lessEffort);
const text = `# Performance of the adapters

Written by \`node bench/adapters.ts\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), servers and load on the same machine, load average at the end ${loadavg()[0]?.toFixed(1)}.

Each route answers \`hello\` to 32 keep-alive connections of \`h2load\`. The two servers of a pair run side by side and are loaded in turn, in bursts of a quarter of a second, after a second to warm up, in an order that changes: a machine shared with others changes its pace from second to second, and so does every figure that is not taken beside its counterpart. The compiler settles differently in each process and stays with it, so there are several pairs of new processes. A ratio is the median over ${effort.bursts} pairs of bursts for each of ${effort.processes} pairs of processes (${lessEffort.processes} in the last table); beside it stand the lowest and the highest pair of processes. The ratio of CPU time per request counts only what the server itself used.

## With the adapter, beside the same framework without it

To reach: at least ${TO_REACH} of the throughput.

| framework | throughput ratio | from process to process | CPU ratio | CPU µs per request | requests per second | |
|---|---|---|---|---|---|---|
${attached.join('\n')}

## The other protocols, the same way

A unary call or request over 8 connections of \`h2load\` with 4 streams each (HTTP/2, gRPC); event streams of 20 events, where the bare server flushes the head first, as who has no event yet must, and the adapter sends it with the events of the same turn; a message and its echo on each of 32 connections (WebSocket, Socket.IO, TCP), where the client in this process is the slower side and the CPU ratio tells more.

| protocol | throughput ratio | from process to process | CPU ratio | CPU µs per answer | answers per second | |
|---|---|---|---|---|---|---|
${protocols.join('\n')}

## \`currentLease: true\`, beside the adapter without it

| framework | throughput ratio | from process to process | CPU ratio | CPU µs per request | requests per second |
|---|---|---|---|---|---|
${current.join('\n')}
`;
if (!quick && only === undefined) writeFileSync(page, text);
process.stdout.write(text);
