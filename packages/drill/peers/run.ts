// Drills every peer (or those named) and writes docs/reference/peers.md.
// Usage: npm run drill:peers [-- NAME... --only=CASES]   With either the table is only printed. Peers are installed into .cache/peers, never into the lock file.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import {
  type CaseResult,
  type DrillResult,
  drill,
  htmlReport,
  loadCases,
  loadConfig,
  select,
} from '../dist/index.js';

interface Peer {
  readonly title: string;
  /** The documented best settings that it is run with. */
  readonly settings: string;
  readonly npm: readonly string[];
  readonly apt: readonly string[];
  /** A command that prints its version, where npm does not tell it. */
  readonly version: readonly string[];
}

const here = new URL('.', import.meta.url).pathname;
const root = join(here, '../../..');
const cache = join(root, '.cache/peers');

const only = process.argv
  .filter((word) => word.startsWith('--only='))
  .flatMap((word) => word.slice('--only='.length).split(','));

/** The peer's folder in the cache, its packages installed; undefined with the reason when it cannot run here. */
function prepare(name: string, peer: Peer): string | { readonly why: string } {
  const folder = join(cache, name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(here, 'common'), join(folder, 'common'), { recursive: true });
  cpSync(join(here, name), join(folder, 'server'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  for (const name of peer.apt) {
    if (spawnSync('dpkg', ['-s', name], { stdio: 'ignore' }).status === 0) continue;
    const options = {
      stdio: 'ignore' as const,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    if (
      spawnSync('apt-get', ['install', '-y', '--no-install-recommends', name], options).status !== 0
    ) {
      return { why: `the Debian package ${name} cannot be installed here` };
    }
  }
  const wanted = peer.npm.filter(
    (spec) => !existsSync(join(folder, 'node_modules', packageOf(spec))),
  );
  if (wanted.length > 0) {
    const args = ['install', '--no-package-lock', '--no-save', '--ignore-scripts', ...peer.npm];
    const end = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
    if (end.status !== 0)
      return { why: `npm install fails: ${end.stderr.trim().split('\n').at(-1) ?? ''}` };
  }
  return folder;
}

const packageOf = (spec: string): string => spec.slice(0, spec.lastIndexOf('@'));

function versionOf(folder: string, peer: Peer): string {
  const [file, ...args] = peer.version;
  if (file !== undefined) {
    const end = spawnSync(file, args, { encoding: 'utf8' });
    const numbers = `${end.stdout}${end.stderr}`.match(/\d+\.\d+[\d.]*/g) ?? [];
    return [...new Set(numbers)].slice(0, 3).join(', ');
  }
  const installed = peer.npm.map((spec) => {
    const text = readFileSync(
      join(folder, 'node_modules', packageOf(spec), 'package.json'),
      'utf8',
    );
    return `${packageOf(spec)} ${(JSON.parse(text) as { version: string }).version}`;
  });
  return installed.length === 0 ? `Node ${process.versions.node}` : installed.join(', ');
}

interface Row {
  readonly name: string;
  readonly peer: Peer;
  readonly version: string;
  readonly result: DrillResult;
}

async function run(name: string): Promise<Row | undefined> {
  const peer = JSON.parse(readFileSync(join(here, name, 'peer.json'), 'utf8')) as Peer;
  const folder = prepare(name, peer);
  if (typeof folder !== 'string') {
    console.log(`${name}: left out: ${folder.why}`);
    return undefined;
  }
  const result = await drill({
    config: loadConfig(join(folder, 'server/drill.yaml')),
    cases: select(await loadCases(), only),
    seed: 1,
    repeat: 1,
    confidence: 0.999,
    concurrency: 4,
    clients: 64,
    strict: false,
    knownFailing: new Set<string>(),
  });
  writeFileSync(join(folder, 'drill.html'), htmlReport(result));
  console.log(
    `${name}: ${tally(result, 'MUST')} MUST, ${tally(result, 'SHOULD')} SHOULD, ${Math.round(result.durationMs / 1000)} s`,
  );
  return { name, peer, version: versionOf(folder, peer), result };
}

function tally(result: DrillResult, level: string): string {
  const judged = result.cases.filter(
    (one) => one.case.level === level && ['pass', 'fail'].includes(one.verdict),
  );
  return `${judged.filter((one) => one.verdict === 'pass').length} of ${judged.length}`;
}

function lossOf(row: Row, slug: string): string {
  const one = row.result.cases.find((each) => each.case.slug === slug);
  return one === undefined || one.totals.owed === 0
    ? '-'
    : `${one.totals.lost} of ${one.totals.owed}`;
}

const failures = (row: Row, level: string): string =>
  row.result.cases
    .filter((one) => one.verdict === 'fail' && one.case.level === level)
    .map((one: CaseResult) => `\`${one.case.slug}\``)
    .join(', ') || 'none';

function document(rows: readonly Row[], left: readonly string[]): string {
  const lines = [
    '# The drill of the peers',
    '',
    'Written by `npm run drill:peers`; run it to get the table for your machine. Every peer runs the same',
    'test service (`packages/drill/peers/common/app.ts`, in Python for FastAPI) with its own documented settings',
    'for a stop within four seconds, and is judged by the same cases, each once, with 64 clients in the load cases. A case that',
    'needs what the service does not offer there is not counted. Loss is given as requests lost of those at risk when the signal came.',
    '',
    `Measured on Node ${process.versions.node}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}.`,
    '',
    '| peer | versions | MUST kept | SHOULD kept | lost: keep-alive race | lost: fresh connections | lost: reload |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.peer.title} | ${row.version} | ${tally(row.result, 'MUST')} | ${tally(row.result, 'SHOULD')} | ` +
        `${['http1/keepalive-race', 'connections/accept-queue', 'reload/no-loss'].map((slug) => lossOf(row, slug)).join(' | ')} |`,
    ),
    '',
    ...rows.flatMap((row) => [
      `## ${row.peer.title}`,
      '',
      `Settings: ${row.peer.settings}. Files: \`packages/drill/peers/${row.name}/\`.`,
      '',
      `- MUST not kept: ${failures(row, 'MUST')}`,
      `- SHOULD not kept: ${failures(row, 'SHOULD')}`,
      '',
    ]),
    ...(left.length === 0 ? [] : [`Left out in this run: ${left.join(', ')}.`, '']),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

const all = readdirSync(here)
  .filter((name) => existsSync(join(here, name, 'peer.json')))
  .sort(
    (left, right) =>
      Number(right.startsWith('lastcall')) - Number(left.startsWith('lastcall')) ||
      (left < right ? -1 : 1),
  );
const named = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const rows: Row[] = [];
for (const name of named.length === 0 ? all : named) {
  const row = await run(name).catch((error: unknown) => {
    console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  if (row !== undefined) rows.push(row);
}
if (named.length === 0 && only.length === 0) {
  const done = new Set(rows.map((row) => row.name));
  writeFileSync(
    join(root, 'docs/reference/peers.md'),
    document(
      rows,
      all.filter((name) => !done.has(name)),
    ),
  );
} else console.log(document(rows, []));
