import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  abandon,
  type CaseResult,
  type DrillConfig,
  type DrillResult,
  caseLine,
  closing,
  drill,
  DrillError,
  guessConfig,
  htmlReport,
  inAreas,
  jsonReport,
  junitReport,
  loadCases,
  loadConfig,
  loadKnownFailing,
  missing,
  reasons,
  referenceOfCases,
  refuseUnknownSkips,
  select,
} from '@lastcall/drill';
import { Command, InvalidArgumentError } from 'commander';
import { Progress } from './drill-progress.ts';
import { printable } from './output.ts';

interface Given {
  config?: string;
  only: string[];
  list?: boolean;
  markdown?: boolean;
  dryRun?: boolean;
  strict: boolean;
  knownFailing?: string;
  repeat: number;
  seed?: number;
  confidence: number;
  lossBelow?: number;
  clients: number;
  concurrency: number;
  json?: string;
  junit?: string;
  html?: string;
}

function number(low: number, high: number, whole: boolean): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const kind = whole ? 'a whole number' : 'a number';
    if (!(value >= low && value <= high) || (whole && !Number.isInteger(value))) {
      throw new InvalidArgumentError(`expected ${kind} from ${low} to ${high}; got "${text}".`);
    }
    return value;
  };
}

const collect = (word: string, before: string[]): string[] => [...before, ...word.split(',')];

/**
 * `lastcall drill -- COMMAND`: attacks a server while it shuts down. `foreign` is what follows the
 * `--`. Exit codes: 0 pass, 1 fail, 2 bad use.
 */
export function drillCommand(
  foreign: readonly string[] = [],
  done: (exitCode: number) => void = () => undefined,
): Command {
  const command = new Command('drill')
    .description('attack a server while it shuts down, and report what was lost')
    .usage('[options] [-- COMMAND]')
    .option('-c, --config <file>', 'what the server offers; default: drill.yaml if it is there')
    .option('--only <cases>', 'areas, slugs or patterns with *, divided by commas', collect, [])
    .option('--list', 'list the cases and end')
    .option('--markdown', 'with --list: as the reference document has them')
    .option('--dry-run', 'say which cases would be run, and end')
    .option('--strict', 'a SHOULD that fails counts as well', false)
    .option('--known-failing <file>', 'slugs that may fail; one that passes fails the drill')
    .option('--repeat <n>', 'runs of each case', number(1, 100_000, true), 1)
    .option('--seed <n>', 'for the random pauses', number(0, 2 ** 32 - 1, true))
    .option('--confidence <p>', 'of the loss intervals', number(0.5, 0.999999, false), 0.999)
    .option('--loss-below <p>', 'repeat load cases until this is shown', number(1e-9, 0.5, false))
    .option('--clients <n>', 'clients of the load cases', number(2, 2000, true), 64)
    .option('--concurrency <n>', 'cases side by side', number(1, 32, true), 3)
    .option('--json <file>', 'write the result as JSON')
    .option('--junit <file>', 'write the result as JUnit XML')
    .option('--html <file>', 'write the result as a page with timelines');
  command.action(async () => {
    done(await run(foreign, command.opts<Given>()));
  });
  return command;
}

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

async function run(server: readonly string[], given: Given): Promise<number> {
  const stop = (): void => {
    void abandon().finally(() => process.exit(130));
  };
  // A terminal that is closed says SIGHUP.
  for (const signal of stopSignals) process.once(signal, stop);
  try {
    const all = await loadCases();
    const cases = select(all, given.only);
    if (given.list === true) {
      const lines = cases.map((one) => `${one.level.padEnd(6)}  ${one.slug}  ${one.sentence}`);
      console.log(given.markdown === true ? referenceOfCases(all).trimEnd() : lines.join('\n'));
      return 0;
    }
    const slugs = all.map((one) => one.slug);
    const knownFailing =
      given.knownFailing === undefined
        ? new Set<string>()
        : loadKnownFailing(given.knownFailing, slugs);
    checkReports(given);
    const config = await findConfig(server, given);
    if (given.dryRun === true) {
      await refuseUnknownSkips(config);
      for (const one of inAreas(cases, config)) {
        const lacking = missing(config, one);
        const what = lacking === undefined ? 'run ' : 'n/a ';
        console.log(`${what}  ${one.slug}${lacking === undefined ? '' : `  (${lacking})`}`);
      }
      return 0;
    }
    clearReports(given);
    const progress = new Progress(process.stdout);
    const style = { color: process.stdout.isTTY && process.env['NO_COLOR'] === undefined };
    const result = await drill({
      config,
      cases,
      seed: given.seed ?? Math.floor(Math.random() * 2 ** 32),
      repeat: given.repeat,
      confidence: given.confidence,
      ...(given.lossBelow === undefined ? {} : { lossBelow: given.lossBelow }),
      concurrency: given.concurrency,
      clients: given.clients,
      strict: given.strict,
      knownFailing,
      onStart: ({ slug }, count) => {
        progress.started(slug, count);
      },
      onResult: (one: CaseResult) => {
        // Many servers offer little: a line for each case that lacks something would hide the others.
        const lacks = missing(config, one.case) !== undefined;
        progress.ended(one.case.slug, lacks ? undefined : caseLine(one, style));
      },
    }).finally(() => {
      progress.end();
    });
    console.log(closing(result, style));
    write(result, given);
    return reasons(result).length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof DrillError)) throw error;
    process.stderr.write(`lastcall drill: ${printable(error.message)}\n`);
    return 2;
  } finally {
    for (const signal of stopSignals) process.off(signal, stop);
  }
}

async function findConfig(server: readonly string[], given: Given): Promise<DrillConfig> {
  if (server[0] === '') {
    throw new DrillError(
      'NO_COMMAND',
      'expected a program and its arguments after `--`; got "" as the program.',
    );
  }
  const file = given.config ?? (existsSync('drill.yaml') ? 'drill.yaml' : undefined);
  if (file !== undefined) {
    const config = loadConfig(resolve(file));
    return server.length === 0 ? config : { ...config, command: [...server], cwd: process.cwd() };
  }
  if (server.length === 0) {
    throw new DrillError(
      'NO_COMMAND',
      'expected a server to drill: `lastcall drill -- COMMAND`, or a drill.yaml (--config FILE); got neither.',
    );
  }
  const guess = await guessConfig(server, process.cwd());
  console.log(
    `No drill.yaml, so the server was probed:\n${guess.found.map((one) => `  ${one}`).join('\n')}\n`,
  );
  return guess.config;
}

const reportsOf = ({ json, junit, html }: Given) =>
  [
    ['--json', json, jsonReport],
    ['--junit', junit, junitReport],
    ['--html', html, htmlReport],
  ] as const;

/** Before the run: a drill may take long, and its result would be gone. */
function checkReports(given: Given): void {
  for (const [option, file] of reportsOf(given)) {
    if (file === undefined) continue;
    try {
      closeSync(openSync(file, 'a'));
    } catch (cause) {
      const { message } = cause as Error;
      throw new DrillError('REPORT_NOT_WRITTEN', `${option}: cannot write ${file}: ${message}.`, {
        cause,
      });
    }
  }
}

/** What an earlier drill found is not what this one does, should it have no result. */
function clearReports(given: Given): void {
  for (const [, file] of reportsOf(given)) if (file !== undefined) writeFileSync(file, '');
}

function write(result: DrillResult, given: Given): void {
  for (const [option, file, report] of reportsOf(given)) {
    if (file === undefined) continue;
    const text = report(result);
    try {
      writeFileSync(file, text);
    } catch (cause) {
      throw new DrillError('REPORT_NOT_WRITTEN', `${option}: cannot write ${file}.`, { cause });
    }
  }
}
