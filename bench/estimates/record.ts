// Records traffic: a real server with three routes, real clients with think times. Run once with
// `node bench/estimates/record.ts`; it writes recorded.csv, which the calibration replays.
import { writeFileSync } from 'node:fs';
import { Agent, createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompress, constants } from 'node:zlib';
import { exponential, normal, seeded } from './random.ts';

const SECONDS = Number(process.argv[2] ?? 40);
const CLIENTS = 24;
const random = seeded(11);
const began = performance.now();
const rows: { line: string; atMs: number }[] = [];
const text = Buffer.from(Array.from({ length: 60_000 }, () => 97 + random() * 12));

const server = createServer((request, response) => {
  const atMs = performance.now() - began;
  const label = (request.url ?? '').split('?')[0] ?? '';
  response.on('close', () => {
    const tookMs = performance.now() - began - atMs;
    rows.push({ line: `${atMs.toFixed(2)},${tookMs.toFixed(2)},${label}`, atMs });
  });
  if (label === '/quick') response.end('ok');
  else if (label === '/compress') {
    const size = Math.min(text.length, 2_000 * Math.exp(1.2 * Math.abs(normal(random))));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    brotliCompress(text.subarray(0, size), { params }, (_error, body) => response.end(body));
  } else void tokens(response, 20 * Math.exp(0.8 * normal(random)));
});

/** Writes about `count` tokens, one every 10 to 30 ms. */
async function tokens(response: ServerResponse, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    response.write('token ');
    await pause(10 + 20 * random());
  }
  response.end();
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const agent = new Agent({ keepAlive: true });
const call = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });

await new Promise<void>((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
const { port } = server.address() as AddressInfo;
const client = async (): Promise<void> => {
  while (performance.now() - began < SECONDS * 1_000) {
    const which = random();
    const path = which < 0.5 ? '/quick' : which < 0.75 ? '/compress' : '/tokens';
    await call(`http://127.0.0.1:${port}${path}`);
    await pause(exponential(random, 150));
  }
};
await Promise.all(Array.from({ length: CLIENTS }, client));
agent.destroy();
server.close();
const lines = rows.sort((a, b) => a.atMs - b.atMs).map(({ line }) => line);
writeFileSync(
  new URL('recorded.csv', import.meta.url),
  `at_ms,took_ms,route\n${lines.join('\n')}\n`,
);
console.log(`${lines.length} requests recorded`);
