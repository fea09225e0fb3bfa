/** Work in flight at one moment. */
export interface Point {
  atMs: number;
  inFlight: number;
}

/** The band in which the last work is expected to end, in milliseconds from now. */
export interface Band {
  p50Ms: number;
  p99Ms: number;
}

const SPAN_MS = 60_000;
const EIGHTHS = ' ▁▂▃▄▅▆▇█';

/**
 * Work in flight over the last minute, as rows of block characters; where a drain is under way, the
 * band from now to when the last work is expected to have ended goes down beside it.
 */
export function curve(
  points: readonly Point[],
  nowMs: number,
  band: Band | undefined,
  { columns, rows }: { columns: number; rows: number },
): string[] {
  const aheadMs = band ? Math.min(band.p99Ms * 1.05, SPAN_MS) : 0;
  const stepMs = (SPAN_MS + aheadMs) / columns;
  const fromMs = nowMs - SPAN_MS;
  const top = Math.max(1, ...points.map(({ inFlight }) => inFlight));
  const now = points.at(-1)?.inFlight ?? 0;
  const heights = seen(points, fromMs, stepMs, Math.round(SPAN_MS / stepMs));
  return Array.from({ length: rows }, (_, row) => {
    const floor = rows - 1 - row;
    let line = '';
    for (const count of heights)
      line += EIGHTHS[Math.max(0, Math.min(8, Math.round(((count / top) * rows - floor) * 8)))]!;
    if (!band) return line;
    for (let inMs = stepMs / 2; inMs < aheadMs; inMs += stepMs)
      line += isInBand(band, now, inMs, (floor / rows) * top, top / rows) ? '░' : ' ';
    return line;
  });
}

/** Whether so much work, up to one row more, may be left in so long. */
function isInBand(
  { p50Ms, p99Ms }: Band,
  now: number,
  inMs: number,
  from: number,
  row: number,
): boolean {
  const left = (ms: number): number => now * (1 - inMs / Math.max(ms, 1));
  return left(p99Ms) > from && left(p50Ms) < from + row;
}

/** The most in flight in each of `columns` steps; a step without a look goes on from the one before. */
function seen(points: readonly Point[], fromMs: number, stepMs: number, columns: number): number[] {
  const heights: number[] = Array.from({ length: columns }, () => -1);
  let before = 0;
  for (const { atMs, inFlight } of points) {
    const column = Math.min(columns - 1, Math.floor((atMs - fromMs) / stepMs));
    if (column < 0) before = inFlight;
    else heights[column] = Math.max(heights[column]!, inFlight);
  }
  return heights.map((height) => (before = height < 0 ? before : height));
}
