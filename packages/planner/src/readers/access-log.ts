import type { Progress } from './lines.ts';
import { type Entry, epochMs, type Reading, readLines } from './read.ts';

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

/** As long as the last field of a line can be, with its end. */
const TAIL = 40;
const STAMP = '[20/Nov/2026:13:55:36 +0000]'.length;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Reads an access log, or the standard input (`-`). Understood: JSON lines with `request_time` or `duration` in seconds,
 * `responseTime` (as pino writes it), `duration_ms` or `took_ms`; lines with `rt=`, `request_time=`
 * or `time=` and seconds; and lines in nginx's combined format that end with `$request_time`.
 */
export function readAccessLog(
  path: string,
  onProgress?: (progress: Progress) => void,
): Promise<Reading> {
  const times = new Times();
  const parse = (line: string): Entry | undefined =>
    line.startsWith('{') ? fromJson(line) : fromText(line, times);
  return readLines(path, parse, onProgress);
}

function fromJson(line: string): Entry | undefined {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const name = Object.keys(JSON_FIELDS).find((field) => Object.hasOwn(entry, field));
  if (name === undefined) return undefined;
  const took = entry[name];
  const isText = typeof took === 'string' && took.trim() !== '';
  if (typeof took !== 'number' && !isText) return undefined;
  const time = entry.time ?? entry.timestamp ?? entry['@timestamp'];
  const atMs =
    typeof time === 'number' ? epochMs(time) : typeof time === 'string' ? Date.parse(time) : NaN;
  return {
    tookMs: Number(took) * JSON_FIELDS[name]!,
    atMs: Number.isFinite(atMs) ? atMs : undefined,
  };
}

function fromText(line: string, times: Times): Entry | undefined {
  const seconds = named(line) ?? /["\s](\d+\.\d{3})"?\s*$/.exec(line.slice(-TAIL))?.[1];
  if (seconds === undefined) return undefined;
  return { tookMs: Number(seconds) * 1_000, atMs: times.of(line) };
}

/**
 * A field of its own: neither a part of the address that a client has asked for (`?time=5`) nor the
 * beginning of something longer (`time=2026-11-20T10:00:00Z`). The last one of a line counts: what a
 * client tells of itself stands before it in most formats.
 */
const field = (names: string): RegExp =>
  new RegExp(`^(?:.*[\\s,;|])?(?:${names})="?(\\d+(?:\\.\\d+)?)(?=$|[\\s,;|"])`);
const NAMED = field('rt|request_time');
const PLAIN = field('time');

/** A pattern is looked for only where its letters are: that is many times faster. */
function named(line: string): string | undefined {
  if (!line.includes('rt=') && !line.includes('time=')) return undefined;
  return (NAMED.exec(line) ?? PLAIN.exec(line))?.[1];
}

/** The time in the common log format: `[20/Nov/2026:13:55:36 +0000]`. */
class Times {
  #text = '';
  #ms: number | undefined;

  /** Most lines have the time of the line before. */
  of(line: string): number | undefined {
    let at = line.indexOf('[');
    while (at !== -1 && line[at + 3] !== '/') at = line.indexOf('[', at + 1);
    if (at === -1) return undefined;
    const text = line.slice(at, at + STAMP);
    if (text !== this.#text) {
      this.#text = text;
      this.#ms = parseTime(text);
    }
    return this.#ms;
  }
}

function parseTime(text: string): number | undefined {
  const match = /^\[(\d{2})\/(\w{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})\]/.exec(text);
  if (!match) return undefined;
  const [, day, month = '', year, clock, hours, minutes] = match;
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, '0');
  const ms = Date.parse(`${year}-${number}-${day}T${clock}${hours}:${minutes}`);
  return Number.isFinite(ms) ? ms : undefined;
}
