// How fast `lastcall plan` reads, and in how much memory: lines are made in one process and piped into
// another that reads them. `node bench/planner/input.ts MEGABYTES` prints the table for that size.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { seeded } from '../estimates/random.ts';

const KINDS = ['log', 'json', 'csv'] as const;
type Kind = (typeof KINDS)[number];

const WORDS: Record<Kind, string> = {
  log: 'access log, combined with `$request_time`',
  json: 'JSON lines with `responseTime`',
  csv: 'CSV of four columns',
};
/** One line in a thousand is broken. */
const LINES = 9_990;
const BROKEN = 10;
const BLOCKS_WRITTEN = 64;

function line(kind: Kind, i: number, tookMs: number): string {
  const second = String(Math.floor(i / 200)).padStart(2, '0');
  if (kind === 'csv') return `${1_795_183_000 + i},/v1/responses/${i},${tookMs.toFixed(2)},200`;
  if (kind === 'json')
    return `{"level":30,"time":${1_795_183_000_000 + i},"pid":17,"req":{"id":${i},"method":"GET","url":"/v1/responses/${i}"},"res":{"statusCode":200},"responseTime":${tookMs.toFixed(2)},"msg":"request completed"}`;
  return `10.0.${i % 256}.7 - - [20/Nov/2026:13:55:${second} +0000] "GET /v1/responses/${i} HTTP/1.1" 200 ${i * 7} "https://example.test/" "Mozilla/5.0 (X11; Linux x86_64)" ${(tookMs / 1_000).toFixed(3)}`;
}

/** Writes so many bytes of lines to the standard output. */
async function make(kind: Kind, bytes: number): Promise<void> {
  const random = seeded(23);
  const lines = Array.from({ length: LINES }, (_, i) => line(kind, i, 1_000 * random()));
  lines.push(...Array.from({ length: BROKEN }, () => 'broken \u0000 line'));
  const block = Buffer.from(`${lines.join('\n')}\n`);
  if (kind === 'csv') process.stdout.write('timestamp,route,duration_ms,status\n');
  for (let left = bytes, i = 1; left > 0; left -= block.length, i += 1)
    if (!process.stdout.write(block) && i % BLOCKS_WRITTEN === 0)
      await once(process.stdout, 'drain');
}

/** Reads the standard input and prints what came out. */
async function read(kind: Kind): Promise<void> {
  const { readAccessLog, readCsv } = await import('@lastcall/planner');
  let bytes = 0;
  const beganMs = performance.now();
  const used = process.cpuUsage();
  const { read: durations, skipped } = await (kind === 'csv' ? readCsv : readAccessLog)(
    '-',
    (progress) => {
      ({ bytes } = progress);
    },
  );
  const { user, system } = process.cpuUsage(used);
  const tookMs = performance.now() - beganMs;
  const rssBytes = process.resourceUsage().maxRSS * 1_024;
  const found = { bytes, durations, skipped, tookMs, cpuMs: (user + system) / 1_000, rssBytes };
  process.stdout.write(JSON.stringify(found));
}

interface Found {
  bytes: number;
  durations: number;
  skipped: number;
  tookMs: number;
  cpuMs: number;
  rssBytes: number;
}

async function measure(kind: Kind, bytes: number): Promise<Found> {
  const self = fileURLToPath(import.meta.url);
  const start = (...args: string[]): ChildProcess =>
    spawn(process.execPath, [self, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const maker = start('make', kind, String(bytes));
  const reader = spawn(process.execPath, [self, 'read', kind], {
    stdio: [maker.stdout!, 'pipe', 'inherit'],
  });
  maker.stdout!.destroy();
  let out = '';
  reader.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  await once(reader, 'close');
  return JSON.parse(out) as Found;
}

/** The table for docs/reference/planner.md: so much of an access log, and a tenth of the others. */
export async function inputTable(megabytes: number): Promise<string> {
  const rows: string[] = [];
  for (const kind of KINDS) {
    const { bytes, durations, skipped, cpuMs, rssBytes } = await measure(
      kind,
      megabytes * (kind === 'log' ? 1e6 : 1e5),
    );
    rows.push(
      `| ${WORDS[kind]} | ${(bytes / 1e9).toFixed(1)} GB | ${(durations / 1e6).toFixed(1)} million | ${skipped} | ${(bytes / 1e3 / cpuMs).toFixed(0)} MB/s | ${(rssBytes / 1e6).toFixed(0)} MB |`,
    );
  }
  return `| input, from a pipe | size | durations | lines skipped | read, for a second of one core | memory at most |
|---|---|---|---|---|---|
${rows.join('\n')}`;
}

const [role, kind, size] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (role === 'make') await make(kind as Kind, Number(size));
  else if (role === 'read') await read(kind as Kind);
  else console.log(await inputTable(Number(role ?? 300)));
}
