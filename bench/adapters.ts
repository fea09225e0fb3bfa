// node bench/adapters.ts [--quick] [--only=FRAMEWORK]: what each adapter costs beside the same framework without it.
// Writes docs/reference/adapters-performance.md.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { compare } from './adapters/measure.ts';

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
const effort = quick ? { pairs: 1, seconds: 1 } : { pairs: 5, seconds: 1 };
const page = fileURLToPath(new URL('../docs/reference/adapters-performance.md', import.meta.url));

async function rowsFor(
  frameworks: readonly string[],
  variants: readonly [string, string],
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

const attached = await rowsFor(FRAMEWORKS, ['bare', 'attached']);
const protocols = await rowsFor(PROTOCOLS, ['bare', 'attached']);
const current = await rowsFor(FRAMEWORKS, ['attached', 'current']);
const text = `# Performance of the adapters

Written by \`node bench/adapters.ts\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), servers and load on the same machine, load average at the end ${loadavg()[0]?.toFixed(1)}.

Each route answers \`hello\` to 32 keep-alive connections of \`wrk\`. The two servers of a row run side by side and are loaded in turn, ${effort.seconds} s each, in ${effort.pairs} pairs whose order changes; a ratio is the median over the pairs, with its middle half. On a machine that does other things too, the ratio of CPU time per request is the steadier figure: it counts only what the server itself used.

## With the adapter, beside the same framework without it

To reach: at least ${TO_REACH} of the throughput.

| framework | throughput ratio | middle half | CPU ratio | CPU µs per request | requests per second | |
|---|---|---|---|---|---|---|
${attached.join('\n')}

## The other protocols, the same way

A unary call or request over 8 connections of \`h2load\` with 4 streams each (HTTP/2, gRPC); event streams of 20 events to \`wrk\`; a message and its echo on each of 32 connections (WebSocket, Socket.IO, TCP), where the client in this process is the slower side and the CPU ratio tells more.

| protocol | throughput ratio | middle half | CPU ratio | CPU µs per answer | answers per second | |
|---|---|---|---|---|---|---|
${protocols.join('\n')}

## \`currentLease: true\`, beside the adapter without it

| framework | throughput ratio | middle half | CPU ratio | CPU µs per request | requests per second |
|---|---|---|---|---|---|
${current.join('\n')}
`;
if (!quick && only === undefined) writeFileSync(page, text);
process.stdout.write(text);
