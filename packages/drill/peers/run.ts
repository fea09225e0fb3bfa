// Drills every peer (or those named) and writes their rows of docs/reference/peers.md.
// Usage: npm run drill:peers [-- NAME...] [--only=CASES]  With --only the table is only printed.
//        npm run drill:peers -- --bound [--only=CASES]   The loss bound of this library, into the same document; rows of other cases stay.
// Peers are installed into .cache/peers, never into the lock file.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  abandon,
  caseLine,
  drill,
  htmlReport,
  loadCases,
  loadConfig,
  select,
} from '../dist/index.js';
import { here, prepare, readPeer, versionOf } from './peer.ts';
import {
  type Bound,
  bound,
  endedEarly,
  type Row,
  tableOf,
  tally,
  writeBounds,
  writeTable,
} from './table.ts';

const words = process.argv.slice(2);
const named = words.filter((word) => !word.startsWith('--'));
const only = words
  .filter((word) => word.startsWith('--only='))
  .flatMap((word) => word.slice('--only='.length).split(','));

const common = {
  seed: 1,
  repeat: 1,
  confidence: 0.999,
  strict: false,
  knownFailing: new Set<string>(),
};

function folderOf(name: string): string | undefined {
  const folder = prepare(name, readPeer(name));
  if (typeof folder === 'string') return folder;
  console.log(`${name}: left out: ${folder.why}`);
  return undefined;
}

async function run(name: string): Promise<Row | undefined> {
  const folder = folderOf(name);
  if (folder === undefined) return undefined;
  const result = await drill({
    ...common,
    config: loadConfig(join(folder, 'server/drill.yaml')),
    cases: select(await loadCases(), only),
    concurrency: 4,
    clients: 64,
    onResult: (one) => {
      if (only.length > 0) console.log(caseLine(one, { color: false }));
    },
  });
  writeFileSync(join(folder, 'drill.html'), htmlReport(result));
  console.log(
    `${name}: ${tally(result, 'MUST')} MUST, ${tally(result, 'SHOULD')} SHOULD, ${Math.round(result.durationMs / 1000)} s`,
  );
  const peer = readPeer(name);
  return { name, peer, version: versionOf(folder, peer), result };
}

const boundClients = 800;
const boundGraceMs = 30_000;

/** Which load cases are shown on which of this library's test services. */
const boundCases: Readonly<Record<string, readonly string[]>> = {
  'lastcall-http2-ws': ['http1', 'connections', 'http2', 'sse', 'websocket'],
  'lastcall-http2-tls': ['http2'],
  'lastcall-grpc': ['grpc'],
  'lastcall-serve': ['reload'],
};

async function showBounds(): Promise<void> {
  const wanted = new Set(select(await loadCases(), only));
  const bounds: Bound[] = [];
  for (const [name, areas] of Object.entries(boundCases)) {
    const cases = select(await loadCases(), areas).filter(
      (one) => one.load === true && wanted.has(one),
    );
    const folder = cases.length === 0 ? undefined : folderOf(name);
    if (folder === undefined) continue;
    const config = loadConfig(join(folder, 'server/drill.yaml'));
    const result = await drill({
      ...common,
      // So many clients need their time on a small machine; what is asked is whether anything is lost.
      config: {
        ...config,
        grace: boundGraceMs,
        env: { ...config.env, GRACEFUL_SHUTDOWN_TIMEOUT: String(boundGraceMs / 1000) },
      },
      cases,
      ...bound,
      concurrency: 2,
      clients: boundClients,
      onResult: (one) => {
        console.log(`${name}: ${caseLine(one, { color: false })}`);
        bounds.push({ peer: readPeer(name).title, result: one });
        writeBounds(bounds, boundClients);
        if (endedEarly(one) !== undefined) process.exitCode = 1;
      },
    });
    writeFileSync(join(folder, 'bound.html'), htmlReport(result));
  }
}

async function table(): Promise<void> {
  const all = readdirSync(here)
    .filter((name) => existsSync(join(here, name, 'peer.json')))
    .sort(
      (left, right) =>
        Number(right.startsWith('lastcall')) - Number(left.startsWith('lastcall')) ||
        (left < right ? -1 : 1),
    );
  const rows: Row[] = [];
  for (const name of named.length === 0 ? all : named) {
    const row = await run(name).catch((error: unknown) => {
      console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    });
    if (row !== undefined) rows.push(row);
    const titles = all.map((one) => readPeer(one).title);
    if (row !== undefined && only.length === 0) writeTable([row], titles);
  }
  if (only.length > 0) console.log(tableOf(rows));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void abandon().finally(() => process.exit(130)));
}
await (words.includes('--bound') ? showBounds() : table());
