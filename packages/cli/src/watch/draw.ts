import { curve, type Point } from './curve.ts';
import { large } from './digits.ts';
import type { Look } from './follow.ts';
import { clean, counts, cut, type Paint, pack, seconds, showMoves } from './text.ts';

/** What the screen shows. */
export interface View {
  look: Look;
  points: readonly Point[];
  /** What was expected when the drain under way was first seen. */
  expected: { p50Ms: number; p90Ms: number } | undefined;
  /** Why nobody answers; undefined while somebody does. */
  gone: string | undefined;
  nowMs: number;
}

export interface Size {
  columns: number;
  rows: number;
}

const LANE_MAX = 8;
const BUSY = new Set(['starting', 'proving', 'retiring', 'leaving', 'draining', 'paused']);

/** The screen, line by line: as many lines as fit. */
export function draw(view: View, size: Size, paint: Paint): string[] {
  const top = [
    ...head(view, size, paint),
    ...flight(view, size, paint),
    ...drain(view, size, paint),
  ];
  const lanes = workers(view.look, paint);
  const past = stops(view.look, paint);
  const foot = paint.faint('q quits');
  // Work gets what the rest leaves; where there is too little room, the lower parts go first.
  const room = size.rows - top.length - lanes.length - past.length - 2;
  const pieces = work(view.look, { columns: size.columns, rows: Math.max(room, 4) }, paint);
  const lines = [...top, ...lanes, ...pieces, ...past];
  const shown = lines.slice(0, size.rows - 1).map((line) => cut(line, size.columns));
  return [...shown, foot];
}

const stateOf = (state: string, paint: Paint): string =>
  (state === 'ready' || state === 'serving'
    ? paint.good
    : BUSY.has(state)
      ? paint.busy
      : paint.bad)(state);

function head({ look, gone }: View, { columns }: Size, paint: Paint): string[] {
  const { inFlight, estimate, deadlineInMs, outcomes, doing } = look;
  const { lost, ...others } = outcomes;
  const mark = lost > 0 ? paint.bad : paint.good;
  const digits = large(lost);
  const moves = showMoves(look.moves);
  const ends =
    inFlight === 0
      ? ['nothing in flight']
      : estimate.p50Ms === null
        ? [`no estimate: ${clean(estimate.reason ?? 'unknown')}`]
        : [
            `the last ends in about ${seconds(estimate.p50Ms)}`,
            `90 % within ${seconds(estimate.p90Ms)}`,
          ];
  const deadline =
    deadlineInMs === null ? [] : [`work is cut off in ${paint.strong(seconds(deadlineInMs))}`];
  const facts = [
    [`in flight ${paint.strong(String(inFlight))}`, ...ends, ...deadline],
    Object.entries(others).map(([outcome, count]) => `${outcome} ${count}`),
    [`refused ${look.refused}`, `late arrivals ${look.lateArrivals}`],
    moves === '' ? [] : [moves],
  ];
  const state = gone === undefined ? stateOf(look.state, paint) : paint.bad('NO ANSWER');
  const title = [
    paint.strong('lastcall'),
    state,
    `generation ${look.generation}`,
    `pid ${look.pid}`,
  ];
  if (doing !== null) title.push(clean(doing));
  const width = digits[0]!.length;
  // What has no room beside the digits goes below them: a narrow terminal shows it all as well.
  const below: string[] = [];
  const beside = [...digits, 'lost'.padEnd(width)].map((digit, i) => {
    const [line = '', ...rest] = pack(facts[i]!, columns - width - 2);
    below.push(...rest);
    return `${mark(digit)}${line === '' ? '' : `  ${line}`}`;
  });
  return [
    ...pack(title, columns),
    ...(gone === undefined ? [] : [paint.bad(`Trying again: ${clean(gone)}`)]),
    '',
    ...beside,
    ...pack(below, columns),
  ];
}

function flight({ look, points, nowMs }: View, size: Size, paint: Paint): string[] {
  const rows = size.rows >= 30 ? 5 : size.rows >= 20 ? 3 : 1;
  const { p50Ms, p99Ms } = look.estimate;
  const falling = look.stopSeconds > 0 && look.inFlight > 0 && p50Ms !== null && p99Ms !== null;
  const columns = Math.max(10, Math.min(size.columns, 120));
  const band = falling ? { p50Ms, p99Ms } : undefined;
  const most = Math.max(0, ...points.map(({ inFlight }) => inFlight));
  const note = falling ? ', then where it is expected to go' : '';
  return [
    '',
    paint.faint(`in flight, the last minute (most ${most})${note}`),
    ...curve(points, nowMs, band, { columns, rows }).map((line) => paint.good(line)),
  ];
}

/** The drain on its way from its start to its deadline, with what was expected of it. */
function drain({ look, expected }: View, { columns }: Size, paint: Paint): string[] {
  const { stopSeconds, deadlineInMs } = look;
  if (stopSeconds === 0 || deadlineInMs === null) return [];
  const wholeMs = stopSeconds * 1_000 + deadlineInMs;
  const width = Math.max(10, Math.min(columns, 100) - 48);
  const at = (ms: number): number => Math.min(width - 1, Math.floor((ms / wholeMs) * width));
  const cells: string[] = Array.from({ length: width }, (_, i) =>
    i < at(stopSeconds * 1_000) ? '━' : '─',
  );
  if (expected) cells[at(expected.p50Ms)] = '5';
  if (expected) cells[at(expected.p90Ms)] = '9';
  const words = expected
    ? ` 5: p50 ${seconds(expected.p50Ms)}, 9: p90 ${seconds(expected.p90Ms)}`
    : '';
  const since = `${seconds(stopSeconds * 1_000)} of ${seconds(wholeMs)}`;
  return [`${paint.busy(`├${cells.join('')}┤`)} ${since}${words}`];
}

/** Generations as lanes, the newest first. */
function workers({ workers, state }: Look, paint: Paint): string[] {
  const away = state !== 'ready' && state !== 'starting';
  // A worker whose node drains is not replaced, yet it takes no new work.
  const all = workers.map((one) =>
    one.phase === 'serving' && away ? { ...one, phase: state } : one,
  );
  const generations = [...new Set(all.map(({ generation }) => generation))].sort((a, b) => b - a);
  const lines = generations.flatMap((generation) => {
    const own = all.filter((worker) => worker.generation === generation);
    const phases: Record<string, number> = {};
    for (const { phase } of own) phases[phase] = (phases[phase] ?? 0) + 1;
    const held = own.reduce((sum, worker) => sum + (worker.in_flight ?? 0), 0);
    const lane = `${paint.strong(`generation ${generation}`)}  ${counts(phases)} · ${held} in flight`;
    // A lane of many workers is told by its phases alone.
    return own.length > LANE_MAX ? [lane] : [lane].concat(own.map((one) => worker(one, paint)));
  });
  return ['', ...(lines.length > 0 ? lines : [paint.faint('no workers')])];
}

function worker(one: Look['workers'][number], paint: Paint): string {
  const { name, pid, phase, reason, in_flight: inFlight, rss_bytes: rss } = one;
  const why = reason === null ? '' : ` (${clean(reason)})`;
  const memory = rss === null ? '' : ` · ${Math.round(rss / 2 ** 20)} MB`;
  const facts = `${inFlight ?? 0} in flight · ${Math.round(one.age_seconds)} s${memory} · pid ${pid ?? '-'}`;
  return `│ ${clean(name).padEnd(5)} ${stateOf(phase, paint)}${why} · ${facts}`;
}

/** Work by kind, each with its oldest pieces first. */
function work(
  { inFlightByKind, work: items, deadlineInMs }: Look,
  { columns, rows }: Size,
  paint: Paint,
): string[] {
  const kinds = Object.entries(inFlightByKind);
  const each = Math.max(1, Math.floor(rows / Math.max(1, kinds.length)) - 2);
  return kinds.flatMap(([kind, count]) => {
    const own = items.filter((item) => item.kind === kind).slice(0, each);
    const heading = `${paint.strong(`${clean(kind)} ${count}`)}${paint.faint(', the oldest first')}`;
    return ['', heading].concat(own.map((item) => piece(item, deadlineInMs, columns, paint)));
  });
}

/** Work that will hardly have ended when work is cut off is marked. */
function piece(
  { label, worker, ageMs, p50Ms, p90Ms }: Look['work'][number],
  deadlineInMs: number | null,
  columns: number,
  paint: Paint,
): string {
  const width = Math.max(6, Math.min(24, Math.floor(columns / 5)));
  const name = clean(label ?? '')
    .padEnd(width)
    .slice(0, width);
  const left =
    p50Ms === null ? 'unknown' : `about ${seconds(p50Ms)}, 90 % within ${seconds(p90Ms)}`;
  const over = p90Ms !== null && deadlineInMs !== null && p90Ms > deadlineInMs;
  const rest = `${over ? 'too late, ' : ''}still ${left}`;
  return `  ${name} ${clean(worker).padEnd(5)} ${seconds(ageMs).padStart(7)} old · ${over ? paint.bad(rest) : rest}`;
}

function stops({ stops: past }: Look, paint: Paint): string[] {
  if (past.length === 0) return [];
  const lines = past.toReversed().map((stop) => {
    const end = stop.result === 'stopped' ? `exit ${stop.exitCode}` : stop.result;
    const lost = stop.outcomes.lost > 0 ? paint.bad(` · LOST ${stop.outcomes.lost}`) : '';
    const time = stop.startedAt.slice(11, 19);
    return `  ${time} ${clean(stop.worker).padEnd(5)} ${clean(stop.reason)} · ${end} after ${seconds(stop.durationMs)} · ${stop.inFlightAtStart} in flight then${lost}`;
  });
  return ['', paint.strong('past stops'), ...lines];
}
