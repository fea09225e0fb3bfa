// node bench/edge.ts [ROLLS] [nginx|haproxy]...: whole rolls of a cluster under load of every kind, behind
// real proxies. Writes docs/reference/rolls.md; what was measured last of each proxy is kept in .cache.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Rolled, rollUnderLoad } from '../packages/edge/test/support/rolls.ts';

const PROXIES = ['nginx', 'haproxy'] as const;
type Proxy = (typeof PROXIES)[number];

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const CACHE = `${ROOT}.cache/edge-bench`;
const words = process.argv.slice(2);
const rolls = Number(words.find((word) => /^\d+$/.test(word)) ?? 20);
const asked = PROXIES.filter((proxy) => words.includes(proxy));
mkdirSync(CACHE, { recursive: true });

interface Kept extends Rolled {
  rolls: number;
}

for (const proxy of asked.length > 0 ? asked : PROXIES) {
  const ends: (() => unknown)[] = [];
  try {
    const rolled = await rollUnderLoad({ after: (end) => void ends.push(end) }, proxy, rolls);
    writeFileSync(`${CACHE}/${proxy}.json`, JSON.stringify({ ...rolled, rolls }));
    console.log(proxy, rolled);
    if (rolled.failed.length + rolled.lost.length > 0) process.exitCode = 1;
  } finally {
    for (const end of ends) await end();
  }
}

function kept(proxy: Proxy): Kept | undefined {
  try {
    return JSON.parse(readFileSync(`${CACHE}/${proxy}.json`, 'utf8')) as Kept;
  } catch {
    return undefined;
  }
}

/** One cell for each proxy that was measured. */
function row(what: string, cell: (kept: Kept) => string | number): string {
  const cells = PROXIES.map(kept).flatMap((one) => (one ? [cell(one)] : []));
  return `| ${what} | ${cells.map((value) => value.toLocaleString('en-US')).join(' | ')} |`;
}

const sum = ({ sent }: Kept, ...kinds: string[]): number =>
  kinds.reduce((total, kind) => total + (sent[kind] ?? 0), 0);
const failed = ({ failed: all }: Kept, ...kinds: string[]): number =>
  all.filter((line) => kinds.includes(line.split(':')[0] ?? '')).length;

const measured = PROXIES.filter((proxy) => kept(proxy));
writeFileSync(
  `${ROOT}docs/reference/rolls.md`,
  `# Rolling a cluster under load

Written by \`npm run bench -- edge\`; do not edit it.

Three nodes of two workers under \`lastcall serve\`, behind a real proxy with the configuration that \`lastcall node edge-config\` writes, and one PostgreSQL. \`lastcall node roll\` takes each node out, stops it, starts it and puts it back, again and again, while clients that retry nothing send everything at once: quick and slow requests, streams, uploads of 64 KB, tasks, streams of a task's events from whichever node, and WebSockets that ask question after question. Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), which the clients, the proxy and PostgreSQL share.

| | ${measured.join(' | ')} |
|---|${'---:|'.repeat(measured.length)}
${[
  row('rolls of the whole cluster', ({ rolls: n }) => n),
  row('node drains', ({ rolls: n }) => n * 3),
  row('seconds', ({ seconds }) => Math.round(seconds)),
  row('requests and uploads', (one) => sum(one, 'quick', 'slow', 'upload')),
  row('**failed**', (one) => failed(one, 'quick', 'slow', 'upload')),
  row('streams', (one) => sum(one, 'stream', 'task stream')),
  row('**cut, or with a gap**', (one) => failed(one, 'stream', 'task stream')),
  row('tasks accepted', ({ tasks }) => tasks),
  row('of them continued by another worker', ({ passedOn }) => passedOn),
  row('**not accepted**', (one) => failed(one, 'task')),
  row(
    '**lost, wrong, or with an effect that did not happen exactly once**',
    ({ lost }) => lost.length,
  ),
  row('WebSockets opened', (one) => sum(one, 'socket')),
  row('questions asked', (one) => sum(one, 'question')),
  row('closed in order by a node that stops (1012)', (one) => sum(one, 'closed in order')),
  row('**closed in any other way, or with a question unanswered**', (one) => failed(one, 'socket')),
].join('\n')}

Behind nginx the clients connect anew for each request: at a reload nginx closes idle connections of its clients at once, and a request that is on the wire in that moment is lost whatever the nodes do. HAProxy is not reloaded; its clients keep their connections.

One roll behind each proxy is a test: \`packages/edge/test/node/roll.test.ts\`.
`,
);
