// node bench/moving.ts [--quick] [--streams N] [--sockets N] [--reloads N] [--endurance N] [--kills N]
// [--seed N] [--only reloads,endurance,kills]: reloads a node of 2 workers with open connections, kills
// workers in the middle of moves, and writes docs/reference/moving-performance.md. Each part keeps its
// result in .cache; a smaller run than the whole prints the page and does not write it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { enduranceRun } from './moving/endurance.ts';
import { killRun } from './moving/kills.ts';
import { type Measured, renderPage } from './moving/page.ts';
import { reloadRun } from './moving/reloads.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    streams: { type: 'string' },
    sockets: { type: 'string' },
    reloads: { type: 'string' },
    endurance: { type: 'string' },
    kills: { type: 'string' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: 'reloads,endurance,kills' },
  },
});
const [load = 0] = loadavg();
// The clients are one process, and the machine this was measured on allows 20,000 descriptors to one.
const WHOLE = { streams: 9_900, sockets: 9_900, reloads: 20, endurance: 100, kills: 200 };
const QUICK = { streams: 500, sockets: 500, reloads: 3, endurance: 10, kills: 10 };
/** Connections of each kind in the parts that are about something else than their number. */
const SMALL = 250;
const number = (name: keyof typeof WHOLE): number =>
  Number(values[name] ?? (values.quick ? QUICK : WHOLE)[name]);
const whole = (Object.keys(WHOLE) as (keyof typeof WHOLE)[]).every(
  (name) => number(name) === WHOLE[name],
);
const chosen = new Set(values.only.split(','));
const cache = fileURLToPath(
  new URL(`../.cache/moving-bench/${whole ? 'whole' : 'small'}`, import.meta.url),
);
mkdirSync(cache, { recursive: true });

/** Measures a part when it was asked for; else what was measured last, if anything was. */
async function part<Run>(
  name: string,
  measure: () => Promise<Run>,
): Promise<Measured<Run> | undefined> {
  const file = `${cache}/${name}.json`;
  if (!chosen.has(name)) {
    if (!whole) return undefined;
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Measured<Run>;
    } catch {
      return undefined;
    }
  }
  const run = await measure();
  const measured = { on: new Date().toISOString().slice(0, 10), load, run };
  writeFileSync(file, JSON.stringify(measured));
  return measured;
}

const reloads = await part('reloads', () =>
  reloadRun({
    streams: number('streams'),
    sockets: number('sockets'),
    reloads: number('reloads'),
  }),
);
const small = {
  streams: Math.min(SMALL, number('streams')),
  sockets: Math.min(SMALL, number('sockets')),
};
const kills = await part('kills', () =>
  killRun({
    streams: Math.min(SMALL, number('streams')),
    kills: number('kills'),
    seed: Number(values.seed),
  }),
);
const endurance = await part('endurance', () =>
  enduranceRun({ ...small, reloads: number('endurance') }),
);
const page = renderPage({ reloads, endurance, kills });
process.stdout.write(page);
for (const told of [reloads?.run.told, kills?.run.told, endurance?.run.told])
  for (const fault of told?.account.faults ?? []) process.stderr.write(`  ${fault}\n`);
if (whole)
  writeFileSync(
    fileURLToPath(new URL('../docs/reference/moving-performance.md', import.meta.url)),
    page,
  );
process.exitCode = page.includes('**missed**') ? 1 : 0;
