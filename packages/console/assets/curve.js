import { isAway, seconds } from './text.js';

/** What is shown: as much as there is, but neither less than half a minute nor more than two. */
const SPANS_MS = [30_000, 120_000];
/** Between points further apart nobody looked, and what happened there is not known. */
const GAP_MS = 10_000;
const [WIDTH, HEIGHT] = [1_000, 200];

/**
 * Work in flight of late, as SVG text. While the node drains, the band in which the last work is
 * expected to end (between p50 and p99) goes from the curve down to zero; beside it, dashed, the
 * band as it was when the drain began, for the curve to be held against.
 */
export function curve(points, everyMs) {
  const last = points.at(-1);
  if (!last) return '';
  const spanMs = Math.min(SPANS_MS[1], Math.max(SPANS_MS[0], last.atMs - points[0].atMs));
  const fromMs = last.atMs - spanMs;
  const seen = points.filter(({ atMs }) => atMs >= fromMs);
  const runs = awayRuns(points);
  const draining = isAway(last.state);
  const now = draining && last.inFlight > 0 && last.p99Ms !== null ? last : undefined;
  const first = now && atItsBeginning(runs.at(-1));
  const began = first && first.atMs + first.p99Ms >= fromMs ? first : undefined;
  const untilMs = Math.max(now ? now.atMs + now.p99Ms : 0, began ? began.atMs + began.p99Ms : 0);
  const aheadMs = Math.max(0, Math.min(untilMs - last.atMs, spanMs)) * 1.1;
  const x = (ms) => (((ms - fromMs) / (spanMs + aheadMs)) * WIDTH).toFixed(1);
  const most = Math.max(0, ...seen.map(({ inFlight }) => inFlight));
  const y = (count) => (HEIGHT - (count / Math.max(1, most)) * (HEIGHT - 8)).toFixed(1);
  const line = seen.map(({ atMs, inFlight }) => `${x(atMs)},${y(inFlight)}`).join(' ');
  const shown = runs.filter(({ away }) => away.at(-1).atMs >= fromMs);
  const stretches = shown.map(({ away }) => {
    const left = x(away[0].atMs - everyMs);
    return `<rect class="away" x="${left}" y="0" width="${(x(away.at(-1).atMs) - left).toFixed(1)}" height="${HEIGHT}"/>`;
  });
  const band = (name, { atMs, inFlight, p50Ms, p99Ms }) =>
    `<polygon class="${name}" points="${x(atMs)},${y(inFlight)} ${x(atMs + p50Ms)},${HEIGHT} ${x(atMs + p99Ms)},${HEIGHT}"/>`;
  const legend = now
    ? `<p class="scale">Shaded: when the last work is expected to end, from p50 to p99${began ? '; dashed: as it was expected when the drain began' : ''}.</p>`
    : '';
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${last.inFlight} in flight, at most ${most} before">
${stretches.join('')}<path class="grid" d="M0 ${HEIGHT}H${WIDTH}M${x(last.atMs)} 0V${HEIGHT}"/>
<polygon class="area" points="${x(seen[0].atMs)},${HEIGHT} ${line} ${x(last.atMs)},${HEIGHT}"/>
<polyline class="line" points="${line}"/>${began ? band('expected', began) : ''}${now ? band('band', now) : ''}</svg>
<div class="scale"><span>${Math.round(spanMs / 1_000)} s ago</span><span>most ${most}</span><span>${now ? `expected within ${seconds(now.p99Ms)}` : 'now'}</span></div>${legend}`;
}

/** The stretches in which the node was not ready, and whether the beginning of each was seen. */
function awayRuns(points) {
  const runs = [];
  let run;
  let before;
  for (const point of points) {
    if (!isAway(point.state)) run = undefined;
    else if (run) run.away.push(point);
    else runs.push((run = { away: [point], seen: point.atMs - before?.atMs < GAP_MS }));
    before = point;
  }
  return runs;
}

/** The first estimate after the node had stopped to take new work; none while it still leaves. */
const atItsBeginning = ({ away, seen }) =>
  seen
    ? away.find(
        ({ state, inFlight, p99Ms }) => state !== 'leaving' && inFlight > 0 && p99Ms !== null,
      )
    : undefined;
