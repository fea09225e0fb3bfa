// One run of one case: a deadline around it, the account, and nothing left running.
import { CaseFailure, type DrillCase, NotApplicable } from '../case.ts';
import { type Need, routeNames } from '../config/needs.ts';
import type { DrillConfig } from '../config/schema.ts';
import type { Totals } from './account.ts';
import { late, nowMs, within } from './clock.ts';
import { ConnectError } from './connection.ts';
import { Context, type ContextOptions } from './context.ts';
import type { Timeline } from './timeline.ts';

export type Verdict = 'pass' | 'fail' | 'not applicable' | 'informational';

export interface RunResult {
  readonly verdict: Verdict;
  readonly expected?: string;
  readonly actual?: string;
  readonly notes: readonly string[];
  readonly totals: Totals;
  readonly durationMs: number;
  readonly timeline: Timeline | undefined;
  /** The end of what the server printed, when the case failed. */
  readonly output?: string;
}

const none: Totals = { owed: 0, answered: 0, refused: 0, lost: 0 };

/** What the server would have to offer, or why it is not asked; undefined when the case applies. */
export function missing(
  config: DrillConfig,
  { slug, needs }: Pick<DrillCase, 'slug' | 'needs'>,
): string | undefined {
  const skipped = config.skip[slug];
  if (skipped !== undefined) return `left out: ${skipped}`;
  return needs.map((need) => missingOne(config, need)).find((text) => text !== undefined);
}

function missingOne(config: DrillConfig, need: Need): string | undefined {
  // The cases of HTTP/2 take the port over TLS where there is none in cleartext.
  if (need === 'port:h2' && config.ports.h2s !== undefined) return undefined;
  const [group, name] = place(need);
  const values: Readonly<Record<string, unknown>> = group === '' ? config : config[group];
  const value = values[name];
  if (value !== undefined && value !== false) return undefined;
  return `${group === '' ? '' : `${group}.`}${name} is not given`;
}

function place(need: Need): ['ports' | 'variants' | 'routes' | '', string] {
  const [kind = '', name = ''] = need.split(':');
  if (kind === 'port') return ['ports', name];
  if (kind === 'variant') return ['variants', name];
  return [routeNames.some((one) => one === need) ? 'routes' : '', need];
}

export async function runCase(drillCase: DrillCase, options: ContextOptions): Promise<RunResult> {
  const lacking = missing(options.config, drillCase);
  if (lacking !== undefined) {
    return {
      verdict: 'not applicable',
      actual: lacking,
      notes: [],
      totals: none,
      durationMs: 0,
      timeline: undefined,
    };
  }
  const ctx = new Context(options);
  const startMs = nowMs();
  const { config } = options;
  const limitMs = 2 * (config.readyWithin + ctx.patienceMs) + config.grace + 10_000;
  let judged = await judge(drillCase, ctx, limitMs);
  if (ctx.noRoom !== undefined) judged = { verdict: 'not applicable', actual: ctx.noRoom };
  const signalledMs = ctx.targets.find((one) => one.signalledMs !== undefined)?.signalledMs;
  // After a failure the picture still shows the server's own end, when it is near.
  if (judged.verdict === 'fail' && signalledMs !== undefined) {
    await ctx.target.ended(1500).catch(() => undefined);
  }
  if (judged.verdict === 'fail') {
    judged.actual += endedBy(ctx);
    ctx.account.giveUp();
  }
  const judgedAt = judged.verdict === 'not applicable' ? undefined : signalledMs;
  const totals = judgedAt === undefined ? none : ctx.account.totals(judgedAt);
  if (drillCase.load === true && judged.verdict === 'pass' && totals.owed === 0) {
    judged = { verdict: 'not applicable', actual: 'nothing was at risk when the stop began' };
  }
  const { heldUps } = ctx.stalls;
  if (drillCase.load === true && heldUps > 0)
    ctx.note(`times that this machine held up a client, which then sent nothing: ${heldUps}`);
  const left = await ctx.end();
  if (left.length > 0 && judged.verdict === 'pass') {
    judged = {
      verdict: 'fail',
      expected: 'no process to outlive the server',
      actual: `${left.length} left running: ${left.join('; ')}`,
    };
  }
  const output = ctx.targets.at(-1)?.output.lastLines(12) ?? '';
  return {
    ...judged,
    notes: ctx.notes,
    totals,
    durationMs: nowMs() - startMs,
    timeline: ctx.timeline,
    ...(judged.verdict === 'fail' && output !== '' ? { output } : {}),
  };
}

/** What explains most failures at once: that it was the signal, and not the server, that ended the process. */
function endedBy({ targets }: Context): string {
  const { exit, launch } = targets.at(-1) ?? {};
  if (exit?.signal === undefined) return '';
  const why = exit.signal === launch?.stopSignal ? ', for which it seems to have no handler' : '';
  return `; the process was ended by ${exit.signal}${why}`;
}

interface Judged {
  verdict: Verdict;
  expected?: string;
  actual?: string;
}

async function judge(drillCase: DrillCase, ctx: Context, limitMs: number): Promise<Judged> {
  const measures = drillCase.informational === true;
  try {
    await runWithin(drillCase, ctx, limitMs);
    return { verdict: measures ? 'informational' : 'pass' };
  } catch (error) {
    if (error instanceof NotApplicable) return { verdict: 'not applicable', actual: error.message };
    const stopBegan = ctx.targets.some((one) => one.signalledMs !== undefined);
    if (error instanceof ConnectError && !stopBegan)
      return { verdict: 'not applicable', actual: `already before the stop: ${error.message}` };
    const { expected, actual, message } = failureOf(error);
    if (!measures) return { verdict: 'fail', expected, actual };
    ctx.note(message);
    return { verdict: 'informational' };
  }
}

async function runWithin(drillCase: DrillCase, ctx: Context, limitMs: number): Promise<void> {
  const end = await within(drillCase.run(ctx), limitMs);
  if (end === late) throw new CaseFailure(`the case to be over within ${limitMs} ms`, 'it hung');
}

function failureOf(error: unknown): CaseFailure {
  if (error instanceof CaseFailure) return error;
  const actual = error instanceof Error ? error.message : String(error);
  return new CaseFailure('the case to run to its end', actual);
}
