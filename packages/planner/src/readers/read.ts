import { Distribution } from '../distribution.ts';
import { PlannerError } from '../errors.ts';
import type { Beyond } from './histogram.ts';
import { LineCutter, openLines, type Progress } from './lines.ts';

/** What was read from somewhere. */
export interface Reading {
  durations: Distribution;
  /** Of a histogram: work that is longer than it can tell, so that the plan is a guess as far as it matters. */
  beyond?: Beyond | null;
  /** Requests a second, where times were given too. */
  ratePerSecond: number | null;
  /** Where it was read, for the report. */
  source: string;
  read: number;
  /** Lines that could not be understood. */
  skipped: number;
}

/** What one line says: a duration, and when it was, both in milliseconds. */
export interface Entry {
  tookMs: number;
  atMs?: number | undefined;
}

/** As many seconds are in the year 5138, and as many milliseconds were in 1973: a larger number counts the latter. */
const SECONDS_MOST = 1e11;

/** A time since 1970 that is in seconds or, as many programs write it, in milliseconds. */
export const epochMs = (time: number): number => (time > SECONDS_MOST ? time : time * 1_000);

/** About 12 days: what is longer is a time stamp, or in another unit, and no duration. */
const LONGEST_MS = 2 ** 30;

type Parse = (line: string, number: number) => Entry | 'heading' | undefined;

/** The mark that some programs begin a file with, as bytes one by one. */
const BYTE_ORDER_MARK = '\u00EF\u00BB\u00BF';

/**
 * Reads a file, or the standard input (`-`), line by line: its size does not matter. Lines that
 * `parse` cannot understand are counted. `onProgress` is called for each piece that has been read.
 * Throws `ERR_PLANNER_INPUT` when it cannot be read or nothing in it is understood.
 */
export async function readLines(
  path: string,
  parse: Parse,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<Reading> {
  const source = path === '-' ? 'standard input' : path;
  const tally = new Tally(parse);
  try {
    const { chunks, totalBytes } = await openLines(path);
    const cutter = new LineCutter(
      (line) => tally.take(line),
      () => tally.skip(),
    );
    let bytes = 0;
    for await (const chunk of chunks) {
      cutter.take(chunk);
      bytes += chunk.length;
      onProgress({ bytes, totalBytes, read: tally.durations.count, skipped: tally.skipped });
    }
    cutter.finish();
  } catch (error) {
    if (error instanceof PlannerError) throw error;
    throw new PlannerError('ERR_PLANNER_INPUT', `${source}: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  return tally.reading(source);
}

/** What the lines have said so far. */
class Tally {
  readonly durations = new Distribution();
  skipped = 0;
  readonly #parse: Parse;
  #lines = 0;
  #firstMs = Infinity;
  #lastMs = -Infinity;

  constructor(parse: Parse) {
    this.#parse = parse;
  }

  take(text: string): void {
    this.#lines += 1;
    const first = this.#lines === 1 && text.startsWith(BYTE_ORDER_MARK);
    const line = first ? text.slice(BYTE_ORDER_MARK.length) : text;
    if (line.trim() === '') return;
    const entry = this.#parse(line, this.#lines);
    if (entry === 'heading') return;
    if (!entry || !(entry.tookMs >= 0 && entry.tookMs <= LONGEST_MS)) {
      this.skipped += 1;
      return;
    }
    this.durations.add(entry.tookMs);
    if (entry.atMs === undefined) return;
    this.#firstMs = Math.min(this.#firstMs, entry.atMs);
    this.#lastMs = Math.max(this.#lastMs, entry.atMs);
  }

  /** A line that is too long to be looked at. */
  skip(): void {
    this.#lines += 1;
    this.skipped += 1;
  }

  reading(source: string): Reading {
    const { durations, skipped } = this;
    const read = durations.count;
    if (read === 0)
      throw new PlannerError(
        'ERR_PLANNER_INPUT',
        `${source}: found no duration in ${this.#lines} lines (${skipped} were not understood). See docs/reference/planner.md for what is.`,
      );
    const spanMs = this.#lastMs - this.#firstMs;
    const ratePerSecond = spanMs > 0 ? (read / spanMs) * 1_000 : null;
    return { durations, ratePerSecond, source, read, skipped };
  }
}
