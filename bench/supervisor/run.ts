// node bench/supervisor/run.ts [--quick] [PART...]: measures the process manager and writes
// docs/reference/supervisor-bench.md. Each part keeps its result in .cache, so that the page can be
// written from parts that were measured one at a time.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { endurance } from './endurance.ts';
import { kills } from './kills.ts';
import { renderPage, type Results } from './page.ts';
import { peerVersions, startCluster, startGunicorn, startPm2 } from './peers.ts';
import { lastcallMixed, lastcallReloads, peerReloads } from './reloads.ts';
import { throughput } from './throughput.ts';

const quick = process.argv.includes('--quick');
const asked = process.argv.slice(2).filter((argument) => argument !== '--quick');
const page = fileURLToPath(new URL('../../docs/reference/supervisor-bench.md', import.meta.url));
const cache = fileURLToPath(new URL('../../.cache/supervisor-bench', import.meta.url));
mkdirSync(cache, { recursive: true });

const many = quick ? 5 : 100;
const peers = quick ? 2 : 10;
const PARTS = {
  reloads: () => lastcallReloads(many),
  mixed: () => lastcallMixed(many),
  cluster: async () =>
    peerReloads('node:cluster, fork and disconnect', await startCluster(), peers),
  pm2: async () => peerReloads('pm2 reload', await startPm2(), peers),
  async gunicorn() {
    const node = await startGunicorn();
    return node ? peerReloads('gunicorn + uvicorn, HUP', node, peers) : null;
  },
  kills: () => kills(quick ? 2 : 20),
  throughput: () => throughput(quick ? 1 : 7, quick ? 1 : 5),
  endurance: () => endurance(quick ? 20 : 1_000),
} as const satisfies Record<string, () => Promise<unknown>>;

type Part = keyof typeof PARTS;
const names = Object.keys(PARTS) as Part[];
for (const name of asked)
  if (!(name in PARTS)) throw new Error(`There is no part ${name}; parts are ${names.join(', ')}.`);

for (const name of names) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  writeFileSync(`${cache}/${name}.json`, JSON.stringify(await PARTS[name]()));
}

/** What was measured last, now or earlier; undefined for a part that never was. */
function kept<P extends Part>(name: P): Awaited<ReturnType<(typeof PARTS)[P]>> | undefined {
  try {
    return JSON.parse(readFileSync(`${cache}/${name}.json`, 'utf8')) as Awaited<
      ReturnType<(typeof PARTS)[P]>
    >;
  } catch {
    return undefined;
  }
}

const runs = [kept('reloads'), kept('mixed'), kept('cluster'), kept('pm2'), kept('gunicorn')];
const results: Results = {
  machine: `Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`,
  runs: runs.filter((run) => run !== undefined && run !== null),
  kills: kept('kills'),
  throughput: kept('throughput'),
  endurance: kept('endurance'),
  versions: peerVersions(),
};
const text = renderPage(results);
writeFileSync(page, text);
console.log(text);
