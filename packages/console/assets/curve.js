/** What is shown: as much as there is, but neither less than half a minute nor more than two. */
const SPANS_MS = [30_000, 120_000];
const [WIDTH, HEIGHT] = [1_000, 200];

/**
 * Work in flight of late, as SVG text; while the node drains, the band in which the
 * last work is expected to end (between p50 and p99) goes from the curve down to zero.
 */
export function curve(points, everyMs) {
  const last = points.at(-1);
  if (!last) return '';
  const spanMs = Math.min(SPANS_MS[1], Math.max(SPANS_MS[0], last.atMs - points[0].atMs));
  const fromMs = last.atMs - spanMs;
  const draining = last.state !== 'ready' && last.state !== 'starting';
  const aheadMs = draining && last.p99Ms !== null ? Math.min(last.p99Ms, spanMs) * 1.1 : 0;
  const x = (ms) => ((ms - fromMs) / (spanMs + aheadMs)) * WIDTH;
  const seen = points.filter(({ atMs }) => atMs >= fromMs);
  const top = Math.max(1, ...seen.map(({ inFlight }) => inFlight));
  const y = (count) => HEIGHT - (count / top) * (HEIGHT - 8);
  const line = seen.map(({ atMs, inFlight }) => `${x(atMs).toFixed(1)},${y(inFlight).toFixed(1)}`);
  const away = seen
    .filter(({ state }) => state !== 'ready' && state !== 'starting')
    .map(
      ({ atMs }) =>
        `<rect class="away" x="${x(atMs - everyMs).toFixed(1)}" y="0" width="${((everyMs / (spanMs + aheadMs)) * WIDTH + 0.5).toFixed(1)}" height="${HEIGHT}"/>`,
    );
  const now = x(last.atMs).toFixed(1);
  const height = y(last.inFlight).toFixed(1);
  const band =
    draining && last.inFlight > 0 && last.p99Ms !== null
      ? `<polygon class="band" points="${now},${height} ${x(last.atMs + last.p50Ms).toFixed(1)},${HEIGHT} ${x(last.atMs + last.p99Ms).toFixed(1)},${HEIGHT}"/>`
      : '';
  const first = line[0]?.split(',')[0] ?? 0;
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${last.inFlight} in flight, at most ${top} before">
${away.join('')}<path class="grid" d="M0 ${HEIGHT}H${WIDTH}M${now} 0V${HEIGHT}"/>
<polygon class="area" points="${first},${HEIGHT} ${line.join(' ')} ${now},${HEIGHT}"/>
<polyline class="line" points="${line.join(' ')}"/>${band}</svg>
<div class="scale"><span>${Math.round(spanMs / 1_000)} s ago</span><span>most ${top}</span><span>${aheadMs > 0 ? `expected within ${(last.p99Ms / 1000).toFixed(1)} s` : 'now'}</span></div>`;
}
