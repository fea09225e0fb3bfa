import { PlannerError } from '../errors.ts';
import type { Progress } from './lines.ts';
import { type Entry, epochMs, type Reading, readLines } from './read.ts';

/** Names of columns that hold a duration, and what one unit of it is in milliseconds. */
const DURATIONS: Record<string, number> = {
  duration_ms: 1,
  took_ms: 1,
  latency_ms: 1,
  response_time_ms: 1,
  ms: 1,
  duration_s: 1_000,
  duration_seconds: 1_000,
  latency_seconds: 1_000,
  request_time: 1_000,
  seconds: 1_000,
};
const TIMES: Record<string, number> = {
  at_ms: 1,
  timestamp_ms: 1,
  timestamp: 1_000,
  at: 1_000,
  time: 1_000,
};

interface Columns {
  duration: number;
  unitMs: number;
  time: number;
  timeUnitMs: number;
}

/**
 * Reads a CSV file, or the standard input (`-`). The heading names the column of the duration (`duration_ms`, `duration_seconds`,
 * `took_ms`, `request_time`, ...), and perhaps one of the time (`timestamp` in seconds, `at_ms`, or
 * an ISO time). Without a heading the first column is taken, in milliseconds. Quoted fields may hold
 * commas, not line breaks.
 */
export function readCsv(path: string, onProgress?: (progress: Progress) => void): Promise<Reading> {
  let columns: Columns | undefined;
  const parse = (line: string, number: number): Entry | 'heading' | undefined => {
    const fields = split(line);
    if (!columns) {
      columns = columnsOf(fields, path, number);
      if (!isNumber(fields[columns.duration])) return 'heading';
    }
    const took = fields[columns.duration];
    if (!isNumber(took)) return undefined;
    return {
      tookMs: Number(took) * columns.unitMs,
      atMs: timeOf(fields[columns.time], columns.timeUnitMs),
    };
  };
  return readLines(path, parse, onProgress);
}

function columnsOf(fields: string[], path: string, number: number): Columns {
  const names = fields.map((field) => field.trim().toLowerCase());
  const duration = names.findIndex((name) => Object.hasOwn(DURATIONS, name));
  const time = names.findIndex((name) => Object.hasOwn(TIMES, name));
  if (duration >= 0)
    return {
      duration,
      unitMs: DURATIONS[names[duration]!]!,
      time,
      timeUnitMs: TIMES[names[time] ?? ''] ?? 1,
    };
  if (isNumber(fields[0])) return { duration: 0, unitMs: 1, time: -1, timeUnitMs: 1 };
  throw new PlannerError(
    'ERR_PLANNER_INPUT',
    `${path}, line ${number}: no column of durations among ${names.join(', ')}. Name one of: ${Object.keys(DURATIONS).join(', ')}.`,
  );
}

const isNumber = (text: string | undefined): text is string =>
  text !== undefined && text.trim() !== '' && Number.isFinite(Number(text));

function timeOf(text: string | undefined, unitMs: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = isNumber(text)
    ? unitMs === 1
      ? Number(text)
      : epochMs(Number(text))
    : Date.parse(text);
  return Number.isFinite(ms) ? ms : undefined;
}

/** Fields of one line (RFC 4180, without line breaks inside quotes). */
function split(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, field = '']) =>
    field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
  );
}
