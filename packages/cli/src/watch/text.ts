import { stripVTControlCharacters } from 'node:util';

/** A time for people; `?` while it is unknown. */
export function seconds(ms: number | null): string {
  if (ms === null) return '?';
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 600_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

export const counts = (of: Record<string, number>): string =>
  Object.entries(of)
    .map(([name, count]) => `${name} ${count}`)
    .join(' · ');

/** Open connections that go from workers that retire to others; empty where there were none. */
export function showMoves(moves: {
  moved: number;
  on_their_way: number;
  stayed: Record<string, number>;
}): string {
  const reasons = Object.entries(moves.stayed).map(([reason, count]) => `${reason} ${count}`);
  const stayed = Object.values(moves.stayed).reduce((sum, count) => sum + count, 0);
  if (moves.moved + moves.on_their_way + stayed === 0) return '';
  const why = stayed > 0 ? ` (${reasons.join(', ')})` : '';
  return `moved ${moves.moved}, on their way ${moves.on_their_way}, stayed ${stayed}${why}`;
}

/** How text is marked on a terminal. */
export interface Paint {
  good: (text: string) => string;
  busy: (text: string) => string;
  bad: (text: string) => string;
  faint: (text: string) => string;
  strong: (text: string) => string;
}

const sgr =
  (code: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001B[${code}m${text}\u001B[0m`;
const plain = (text: string): string => text;

/** Colours, unless the environment asks for none (NO_COLOR). */
export function paintFor(env: NodeJS.ProcessEnv): Paint {
  return env.NO_COLOR
    ? { good: plain, busy: plain, bad: plain, faint: plain, strong: plain }
    : { good: sgr(32), busy: sgr(33), bad: sgr(31), faint: sgr(2), strong: sgr(1) };
}

/** What a terminal would take for a command has no place in names that others give. */
// oxlint-disable-next-line no-control-regex
export const clean = (text: string): string => text.replace(/[\u0000-\u001F\u007F-\u009F]/g, '?');

/** Cuts a line to so many columns; marks take none, and stay closed. */
export function cut(line: string, columns: number): string {
  let [shown, out] = [0, ''];
  // oxlint-disable-next-line no-control-regex
  for (const [part] of line.matchAll(/\u001B\[\d+m|[^\u001B]/gu)) {
    const isMark = part.startsWith('\u001B');
    if (!isMark && shown === columns) continue;
    if (!isMark) shown += 1;
    out += part;
  }
  return out;
}

/** Puts parts into lines of at most so many columns where they fit; a longer part has its own. */
export function pack(parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const joined = `${lines.at(-1) ?? ''} · ${part}`;
    if (lines.length > 0 && stripVTControlCharacters(joined).length <= columns)
      lines[lines.length - 1] = joined;
    else lines.push(part);
  }
  return lines;
}
