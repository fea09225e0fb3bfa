// node bench/supervisor/run.ts [--quick]: measures the process manager and writes docs/reference/supervisor-bench.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { endurance } from './endurance.ts';
import { kills } from './kills.ts';
import { renderPage } from './page.ts';
import { peerVersions, startCluster, startGunicorn, startPm2 } from './peers.ts';
import { lastcallMixed, lastcallReloads, peerReloads, type Run } from './reloads.ts';
import { throughput } from './throughput.ts';

const quick = process.argv.includes('--quick');
const page = fileURLToPath(new URL('../../docs/reference/supervisor-bench.md', import.meta.url));
const cache = fileURLToPath(new URL('../../.cache', import.meta.url));
mkdirSync(cache, { recursive: true });

const runs: Run[] = [await lastcallReloads(quick ? 5 : 100), await lastcallMixed(quick ? 5 : 100)];
const peerCount = quick ? 2 : 10;
runs.push(await peerReloads('node:cluster, fork and disconnect', await startCluster(), peerCount));
runs.push(await peerReloads('pm2 reload', await startPm2(), peerCount));
const gunicorn = await startGunicorn();
if (gunicorn) runs.push(await peerReloads('gunicorn + uvicorn, HUP', gunicorn, peerCount));

const text = renderPage({
  machine: `Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`,
  runs,
  kills: await kills(quick ? 2 : 20),
  throughput: await throughput(quick ? 1 : 7, quick ? 1 : 5),
  endurance: await endurance(quick ? 20 : 1_000),
  versions: peerVersions(),
});
writeFileSync(page, text);
console.log(text);
