// node bench/adapters.ts [--quick] [--only=FRAMEWORK]: what each adapter costs beside the same framework without it.
// Writes docs/reference/adapters-performance.md.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loadFor } from './adapters/load.ts';
import { compare, type Effort, pinLoad } from './pairs/measure.ts';

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
const SERVER = fileURLToPath(new URL('adapters/server.ts', import.meta.url));
const TO_REACH = 0.95;
const only = process.argv.find((word) => word.startsWith('--only='))?.slice('--only='.length);
const quick = process.argv.includes('--quick');
/** New processes tell more than further bursts of the same ones: those differ, and these do not. */
const BURSTS = quick ? 2 : 3;
const effort = { processes: quick ? 2 : 14, bursts: BURSTS };
const lessEffort = { processes: quick ? 2 : 6, bursts: BURSTS };
const page = fileURLToPath(new URL('../docs/reference/adapters-performance.md', import.meta.url));

async function rowsFor(
  frameworks: readonly string[],
  variants: readonly [string, string],
  effort: Effort,
): Promise<string[]> {
  const rows: string[] = [];
  for (const framework of frameworks.filter((name) => only === undefined || name === only)) {
    process.stderr.write(`> ${framework}: ${variants.join(' and ')}\n`);
    const args = (variant: string): string[] => [SERVER, framework, variant];
    const got = await compare({ args, load: loadFor(framework) }, variants, effort);
    const figures = [`${got.ratio.toFixed(3)} ± ${got.error.toFixed(3)}`];
    figures.push(got.cpuRatio.toFixed(3), got.cpuUs.toFixed(1));
    if (variants[0] === 'bare') figures.push(got.ratio >= TO_REACH ? 'met' : 'missed');
    rows.push(`| ${[framework, ...figures].join(' | ')} |`);
  }
  return rows;
}

pinLoad();
const attached = await rowsFor(FRAMEWORKS, ['bare', 'attached'], effort);
const protocols = await rowsFor(PROTOCOLS, ['bare', 'attached'], lessEffort);
const current = await rowsFor(FRAMEWORKS, ['attached', 'current'], lessEffort);
const text = `# Performance of the adapters

Written by \`node bench/adapters.ts\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), servers and load on the same machine, load average at the end ${loadavg()[0]?.toFixed(1)}.

Each route answers \`hello\` to 32 keep-alive connections of \`h2load\`. The two servers of a pair share one core, on which the kernel interleaves them every few milliseconds, and are loaded at the same time from the other one: whatever disturbs the machine disturbs both, and both get the same time, so that the number of answers tells what an answer costs. After five seconds to warm up there are bursts of one second. The compiler settles differently in each process and stays with it, so there are several pairs of new processes. A ratio is the mean over ${effort.processes} pairs of processes (${lessEffort.processes} in the other tables) of the median over ${BURSTS} bursts; beside it stands its standard error. The ratio of CPU time per request counts only what the server itself used.

## With the adapter, beside the same framework without it

To reach: at least ${TO_REACH} of the throughput.

| framework | throughput ratio | CPU ratio | CPU µs per request | |
|---|---|---|---|---|
${attached.join('\n')}

## The other protocols, the same way

A unary call or request over 8 connections of \`h2load\` with 4 streams each (HTTP/2, gRPC); event streams of 20 events, where the bare server flushes the head first, as who has no event yet must, and the adapter sends it with the events of the same turn; a message and its echo on each of 32 connections (WebSocket, Socket.IO, TCP), where the client in this process is the slower side and the CPU ratio tells more.

| protocol | throughput ratio | CPU ratio | CPU µs per answer | |
|---|---|---|---|---|
${protocols.join('\n')}

## \`currentLease: true\`, beside the adapter without it

| framework | throughput ratio | CPU ratio | CPU µs per request |
|---|---|---|---|
${current.join('\n')}
`;
if (!quick && only === undefined) writeFileSync(page, text);
process.stdout.write(text);
