// The whole drill: a first start to see that there is a server, then the cases, some side by side.
import { DrillError, type DrillCase } from '../case.ts';
import { loadCases } from '../cases/load.ts';
import { nearest } from '../config/nearest.ts';
import type { DrillConfig } from '../config/schema.ts';
import { promisesNeeded } from '../verdict/interval.ts';
import { type CaseResult, type DrillResult, summarize } from '../verdict/summary.ts';
import { nowMs } from './clock.ts';
import { Context } from './context.ts';
import { endEverything, killEverything } from './processes.ts';
import { type RunResult, missing, runCase } from './run.ts';
import { removeTemps } from './temp.ts';

export interface DrillOptions {
  readonly config: DrillConfig;
  readonly cases: readonly DrillCase[];
  readonly seed: number;
  /** Runs of each case. */
  readonly repeat: number;
  /** 0.999 is 99.9 %. */
  readonly confidence: number;
  /** Repeats each load case until so low a loss rate is shown, or a loss is seen. */
  readonly lossBelow?: number;
  /** Cases side by side, each with a server of its own. */
  readonly concurrency: number;
  /** Clients of the load cases. */
  readonly clients: number;
  readonly strict: boolean;
  readonly knownFailing: ReadonlySet<string>;
  readonly onStart?: (started: DrillCase, all: number) => void;
  readonly onResult?: (result: CaseResult, done: number, all: number) => void;
}

/** Picks cases by slug, area, or part with `*`; an unknown word is an error that names the nearest. */
export function select(cases: readonly DrillCase[], only: readonly string[]): DrillCase[] {
  if (only.length === 0) return [...cases];
  const slugs = cases.map((one) => one.slug);
  const wanted = new Set(
    only.flatMap((word) => {
      const pattern = new RegExp(
        `^${word.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}(?:/.*)?$`,
      );
      const found = slugs.filter((slug) => pattern.test(slug));
      if (found.length === 0) {
        const areas = slugs.map((slug) => slug.split('/')[0] ?? '');
        const near = nearest(word, [...slugs, ...new Set(areas)]);
        throw new DrillError(
          'UNKNOWN_CASE',
          `--only: no case is called "${word}".${near === undefined ? ' Try --list.' : ` Did you mean "${near}"?`}`,
        );
      }
      return found;
    }),
  );
  return cases.filter((one) => wanted.has(one.slug));
}

/** The cases of the areas that drill.yaml names; all where it names none. */
export function inAreas(cases: readonly DrillCase[], { areas }: DrillConfig): DrillCase[] {
  return cases.filter(
    ({ slug }) => areas === undefined || areas.some((area) => slug.startsWith(`${area}/`)),
  );
}

export async function drill(options: DrillOptions): Promise<DrillResult> {
  const startedAt = new Date();
  const startMs = nowMs();
  const { config } = options;
  const cases = inAreas(options.cases, config);
  try {
    await refuseUnknownSkips(config);
    await rehearse(options);
    const results = await runAll(cases, options);
    return {
      cases: results,
      seed: options.seed,
      confidence: options.confidence,
      ...(options.lossBelow === undefined ? {} : { lossBelow: options.lossBelow }),
      strict: options.strict,
      knownFailing: options.knownFailing,
      startedAt,
      durationMs: nowMs() - startMs,
      command: config.command.join(' '),
    };
  } finally {
    await killEverything();
  }
}

/** A slug of drill.yaml that is none is an error that names the nearest. */
export async function refuseUnknownSkips(config: DrillConfig): Promise<void> {
  const slugs = (await loadCases()).map((one) => one.slug);
  for (const slug of Object.keys(config.skip)) {
    if (slugs.some((one) => one === slug)) continue;
    const near = nearest(slug, slugs);
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
    throw new DrillError('SKIP_UNKNOWN', `skip: there is no case "${slug}".${hint}`);
  }
}

/** Ends every server at once and clears up: for a drill that is interrupted. */
export async function abandon(): Promise<void> {
  await endEverything();
  removeTemps();
}

/** One start without an attack: a server that does not start would fail every case alike. */
async function rehearse(options: DrillOptions): Promise<void> {
  const ctx = new Context(options);
  try {
    await ctx.start();
  } finally {
    await ctx.end();
  }
}

async function runAll(cases: readonly DrillCase[], options: DrillOptions): Promise<CaseResult[]> {
  const results = new Map<DrillCase, CaseResult>();
  const waiting = [...cases];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      options.onStart?.(next, cases.length);
      const result = await repeat(next, options);
      results.set(next, result);
      options.onResult?.(result, results.size, cases.length);
    }
  };
  const fixedPort = Object.values(options.config.ports).some((port) => typeof port === 'number');
  const width = fixedPort ? 1 : options.concurrency;
  const workers = Array.from({ length: Math.min(width, cases.length) }, worker);
  try {
    await Promise.all(workers);
  } finally {
    waiting.length = 0; // the others begin nothing more where one has failed
    await Promise.allSettled(workers);
  }
  return cases.flatMap((one) => results.get(one) ?? []);
}

async function repeat(drillCase: DrillCase, options: DrillOptions): Promise<CaseResult> {
  const { config, confidence, lossBelow, clients } = options;
  const needed =
    drillCase.load === true && lossBelow !== undefined ? promisesNeeded(lossBelow, confidence) : 0;
  const runs: RunResult[] = [];
  const applies = missing(config, drillCase) === undefined;
  for (let promises = 0, empty = 0, run = 0; ; run += 1) {
    const result = await runCase(drillCase, { config, clients, seed: options.seed + run });
    // Only a picture that may be shown is kept: thousands of runs would fill the memory.
    const first = runs.every((one) => one.verdict !== result.verdict);
    runs.push(first ? result : { ...result, timeline: undefined });
    promises += result.totals.owed;
    const enough = run + 1 >= options.repeat && promises >= needed;
    empty = result.totals.owed === 0 ? empty + 1 : 0;
    if (enough || (empty >= 3 && run + 1 >= options.repeat) || !applies) break;
    if (result.verdict === 'fail' && run + 1 >= options.repeat) break;
  }
  return summarize(drillCase, runs, confidence);
}
