import { type Entry, type Reading, readLines } from './read.ts';

/** Fields of JSON logs that hold a duration, and their unit in milliseconds. */
const JSON_FIELDS: Record<string, number> = {
  request_time: 1_000,
  duration_ms: 1,
  took_ms: 1,
  responseTime: 1,
  response_time_ms: 1,
  duration: 1_000,
  latency: 1_000,
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Reads an access log. Understood: JSON lines with `request_time` or `duration` in seconds,
 * `responseTime` (as pino writes it), `duration_ms` or `took_ms`; lines with `rt=`, `request_time=`
 * or `time=` and seconds; and lines in nginx's combined format that end with `$request_time`.
 */
export function readAccessLog(path: string): Promise<Reading> {
  return readLines(path, (line) => (line.startsWith('{') ? fromJson(line) : fromText(line)));
}

function fromJson(line: string): Entry | undefined {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const name = Object.keys(JSON_FIELDS).find((field) => Object.hasOwn(entry, field));
  if (name === undefined || entry[name] === '' || entry[name] === null) return undefined;
  const time = entry.time ?? entry.timestamp ?? entry['@timestamp'];
  const atMs = typeof time === 'number' ? time : typeof time === 'string' ? Date.parse(time) : NaN;
  return {
    tookMs: Number(entry[name]) * JSON_FIELDS[name]!,
    atMs: Number.isFinite(atMs) ? atMs : undefined,
  };
}

function fromText(line: string): Entry | undefined {
  const named = /\b(?:rt|request_time|time)=(\d+(?:\.\d+)?)/.exec(line);
  const seconds = named?.[1] ?? /["\s](\d+\.\d{3})"?\s*$/.exec(line)?.[1];
  if (seconds === undefined) return undefined;
  return { tookMs: Number(seconds) * 1_000, atMs: timeOf(line) };
}

/** The time in the common log format: `[20/Nov/2026:13:55:36 +0000]`. */
function timeOf(line: string): number | undefined {
  const match = /\[(\d{2})\/(\w{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})\]/.exec(line);
  if (!match) return undefined;
  const [, day, month = '', year, clock, hours, minutes] = match;
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, '0');
  const ms = Date.parse(`${year}-${number}-${day}T${clock}${hours}:${minutes}`);
  return Number.isFinite(ms) ? ms : undefined;
}
