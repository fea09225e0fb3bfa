// docs/reference/peers.md: the table of the peers, and the section of the loss bound.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type CaseResult, type DrillResult, promisesNeeded } from '../dist/index.js';
import { type Peer, root } from './peer.ts';

export interface Row {
  readonly name: string;
  readonly peer: Peer;
  readonly version: string;
  readonly result: DrillResult;
}

const file = join(root, 'docs/reference/peers.md');
const boundHeading = '## The loss bound of this library';

export function tally(result: DrillResult, level: string): string {
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

const shown = ['http1/keepalive-race', 'connections/accept-queue', 'reload/no-loss'];

const head = [
  '| peer | versions | MUST kept | SHOULD kept | lost: keep-alive race | lost: fresh connections | lost: reload |',
  '|---|---|---|---|---|---|---|',
];

const lineOf = (row: Row): string =>
  `| ${row.peer.title} | ${row.version} | ${tally(row.result, 'MUST')} | ${tally(row.result, 'SHOULD')} | ` +
  `${shown.map((slug) => lossOf(row, slug)).join(' | ')} |`;

const sectionOf = (row: Row): string =>
  [
    `## ${row.peer.title}`,
    '',
    `Settings: ${row.peer.settings}. Files: \`packages/drill/peers/${row.name}/\`.`,
    '',
    `- MUST not kept: ${failures(row, 'MUST')}`,
    `- SHOULD not kept: ${failures(row, 'SHOULD')}`,
    ...Object.entries(row.peer.reasons ?? {}).map(([slug, why]) => `- Why: \`${slug}\`, ${why}`),
    ...Object.entries(skipsOf(row)).map(([slug, why]) => `- Left out: \`${slug}\`, ${why}`),
  ].join('\n');

export const tableOf = (rows: readonly Row[]): string =>
  [...head, ...rows.map(lineOf), '', rows.map(sectionOf).join('\n\n')].join('\n');

function skipsOf(row: Row): Record<string, string> {
  const left = row.result.cases.filter((one) => one.shown.actual?.startsWith('left out: '));
  return Object.fromEntries(
    left.map((one) => [one.case.slug, one.shown.actual?.replace('left out: ', '') ?? '']),
  );
}

const machine = (): string =>
  `Measured on Node ${process.versions.node}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}.`;

const introduction = [
  '# The drill of the peers',
  '',
  'Written by `npm run drill:peers`; run it to get the table for your machine. Every peer runs the same',
  'test service (`packages/drill/peers/common/app.ts`, in Python for FastAPI) with its own documented settings',
  'for a stop within four seconds, and is judged by the same cases, each once, with 64 clients in the load cases. A case that',
  'needs what the service does not offer there is not counted, nor one in which nothing was at risk. Loss is given as requests',
  'lost of those at risk when the signal came; a dash says that the case does not apply.',
  '',
  'The cases hold every server to the same sentences, and some of them no peer sets out to keep: to answer',
  'probes until the last request is done (`probes/liveness-stays`), or to tell a stream that it ends at the',
  'deadline (`sse/final-event`). What each sentence is and where it comes from stands in [the drill](drill.md).',
];

/** Writes the rows of these peers into the document, and leaves those of the others. */
export function writeTable(rows: readonly Row[], titles: readonly string[]): void {
  const [table, section] = halves();
  const lines = new Map(
    table.split('\n').flatMap((line) => {
      const title = titles.find((one) => line.startsWith(`| ${one} | `));
      return title === undefined ? [] : [[title, line]];
    }),
  );
  const sections = new Map(
    table
      .split(/^(?=## )/m)
      .slice(1)
      .map((text) => [text.slice(3, text.indexOf('\n')), text.trim()]),
  );
  for (const row of rows) {
    lines.set(row.peer.title, lineOf(row));
    sections.set(row.peer.title, sectionOf(row));
  }
  const known = titles.filter((title) => lines.has(title));
  const left = titles.filter((title) => !lines.has(title));
  const parts = [
    introduction.join('\n'),
    machine(),
    [...head, ...known.map((title) => lines.get(title))].join('\n'),
    ...(left.length === 0 ? [] : [`Not run, or not possible on this machine: ${left.join(', ')}.`]),
    ...known.map((title) => sections.get(title) ?? ''),
  ];
  write(parts.join('\n\n'), section);
}

export interface Bound {
  readonly peer: string;
  readonly result: CaseResult;
}

/** What is to be shown of each load case. */
export const bound = { lossBelow: 0.0001, confidence: 0.999 };

/** Replaces the rows of these cases in the section, and leaves the others. */
export function writeBounds(bounds: readonly Bound[], clients: number): void {
  const [table, section] = halves();
  const rows = new Map(
    section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => [line.split('|').slice(1, 3).join('|'), line]),
  );
  for (const one of bounds) {
    const line = rowOf(one);
    rows.set(line.split('|').slice(1, 3).join('|'), line);
  }
  const lines = [
    boundHeading,
    '',
    `Written by \`npm run drill:peers -- --bound\`: the load cases again and again, with ${clients} clients each and a grace of 30 s, until the`,
    'promises at risk suffice to say, at a confidence of 99.9 %, that fewer than 1 in 10,000 are lost. One stop puts many',
    'promises at risk at once, and these are not quite independent of each other; the number of stops stands beside them.',
    '',
    machine(),
    '',
    '| case | on | stops | promises at risk | refused with 503 | lost | lost at most |',
    '|---|---|---|---|---|---|---|',
    ...[...rows.values()].toSorted(),
    '',
  ];
  write(table === '' ? introduction.join('\n') : table, lines.join('\n'));
}

function rowOf({ peer, result }: Bound): string {
  const { owed, refused, lost } = result.totals;
  const perTenThousand = (result.interval.high * 10_000).toFixed(2);
  const numbers = [result.runs.length, owed, refused, lost].map((one) => one.toLocaleString('en'));
  const early = endedEarly(result);
  const why = early === undefined ? '' : ` (ended early: ${early.replaceAll('|', '/')})`;
  return `| \`${result.case.slug}\` | ${peer} | ${numbers.join(' | ')} | ${perTenThousand} in 10,000${why} |`;
}

/** Why a case did not go on until the bound was shown; undefined when it did. */
export function endedEarly({ totals, shown, verdict }: CaseResult): string | undefined {
  if (verdict === 'fail') return shown.actual ?? 'it failed';
  if (totals.owed >= promisesNeeded(bound.lossBelow, bound.confidence)) return undefined;
  return 'three stops in a row put nothing at risk';
}

/** The document before the section of the bound, and that section. */
function halves(): [string, string] {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const at = text.indexOf(boundHeading);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}

function write(table: string, section: string): void {
  writeFileSync(file, `${[table.trim(), section.trim()].filter(Boolean).join('\n\n')}\n`);
}
