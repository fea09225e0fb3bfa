// The timeline of a run as SVG: a lane for each connection, the stop's events as lines.
import type { Lane, Mark, Timeline } from '../engine/timeline.ts';
import { escapeMarkup } from './escape.ts';

const width = 1000;
const labelWidth = 170;
const laneHeight = 14;
const top = 44;
const mostLanes = 40;

/** The lanes worth seeing when there are too many: those with a loss, then the busiest. */
function chosen(lanes: readonly Lane[]): Lane[] {
  const weight = (lane: Lane): number =>
    lane.spans.some((span) => span.outcome === 'lost') ? 1e6 : Math.min(lane.spans.length, 100);
  return [...lanes]
    .sort((left, right) => weight(right) - weight(left))
    .slice(0, mostLanes)
    .sort((left, right) => left.openMs - right.openMs);
}

export function timelineSvg(timeline: Timeline, title: string): string {
  const lanes = chosen(timeline.lanes);
  const signalMs = timeline.marks.find((mark) => mark.kind === 'signal')?.atMs ?? 0;
  const times = [
    ...timeline.marks.map((mark) => mark.atMs),
    ...lanes.flatMap((lane) => [lane.closeMs ?? 0, ...lane.spans.map((span) => span.toMs ?? 0)]),
  ];
  // Not spread: there may be more of them than a call takes arguments.
  const lastMs = times.reduce((last, ms) => Math.max(last, ms), signalMs + 1) + 20;
  // What matters is after the signal: what was before it takes up a quarter of the picture at the most.
  const beganMs = Math.min(signalMs, ...lanes.map((lane) => lane.openMs)) - 30;
  const firstMs = Math.max(0, beganMs, signalMs - Math.max(30, (lastMs - signalMs) / 3));
  const scale = (width - labelWidth - 20) / (lastMs - firstMs);
  const x = (ms: number): number => labelWidth + (Math.max(ms, firstMs) - firstMs) * scale;
  const height = top + lanes.length * laneHeight + 30;
  const left = timeline.lanes.length - lanes.length;
  const parts = [
    ...axis(firstMs, lastMs, signalMs, x, height),
    ...lanes.map((lane, index) => laneSvg(lane, top + index * laneHeight, x, [firstMs, lastMs])),
    ...timeline.marks
      .filter((mark) => mark.atMs >= firstMs)
      .map((mark, index) => markSvg(mark, index, x, height)),
    left > 0 ? text(4, height - 6, `and ${left} connections more`) : '',
  ];
  return (
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeMarkup(title)}">` +
    `${parts.join('')}</svg>`
  );
}

type Scale = (ms: number) => number;

const text = (x: number, y: number, content: string, kind = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y}" class="${kind}">${escapeMarkup(content)}</text>`;

/** Milliseconds since the signal, at round numbers. */
function axis(firstMs: number, lastMs: number, zeroMs: number, x: Scale, height: number): string[] {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
  const step = steps.find((one) => (lastMs - firstMs) / one <= 10) ?? 20_000;
  const parts: string[] = [];
  for (let ms = Math.ceil((firstMs - zeroMs) / step) * step; ms + zeroMs < lastMs; ms += step) {
    const at = x(ms + zeroMs);
    parts.push(
      `<line x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${top - 4}" y2="${height - 20}" class="grid"/>`,
    );
    parts.push(text(at, height - 8, `${ms} ms`, 'tick'));
  }
  return parts;
}

function laneSvg(lane: Lane, y: number, x: Scale, [firstMs, lastMs]: [number, number]): string {
  const middle = y + laneHeight / 2;
  const end = x(lane.closeMs ?? lastMs);
  const shown = lane.spans.filter((span) => (span.toMs ?? lastMs) >= firstMs);
  const spans = shown.map((span) => {
    const from = x(span.fromMs);
    const to = Math.max(from + 1.5, x(span.toMs ?? lastMs));
    const hover = escapeMarkup(
      `${span.label}: ${span.outcome}${span.detail && `, ${span.detail}`}`,
    );
    return (
      `<rect x="${from.toFixed(1)}" y="${y + 3}" width="${(to - from).toFixed(1)}" height="${laneHeight - 6}" ` +
      `class="${span.outcome}"><title>${hover}</title></rect>`
    );
  });
  const closing =
    lane.close === undefined || (lane.closeMs ?? lastMs) < firstMs
      ? ''
      : `<circle cx="${end.toFixed(1)}" cy="${middle}" r="3" class="close-${lane.close}"><title>${lane.close}</title></circle>`;
  return (
    text(4, middle + 4, lane.label.slice(0, 26), 'lane') +
    `<line x1="${x(lane.openMs).toFixed(1)}" x2="${end.toFixed(1)}" y1="${middle}" y2="${middle}" class="open"/>` +
    spans.join('') +
    closing
  );
}

function markSvg(mark: Mark, index: number, x: Scale, height: number): string {
  const at = x(mark.atMs);
  const y = 12 + (index % 3) * 11;
  const words = mark.kind === 'start' ? 'start' : mark.text.slice(0, 40);
  return (
    `<line x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${y + 2}" y2="${height - 20}" class="mark ${mark.kind}"/>` +
    // Where there is no room on the right the words stand on the left.
    (at > width - 180
      ? text(at - 3, y + 4, words, 'mark-text before')
      : text(at + 3, y + 4, words, 'mark-text'))
  );
}
