import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Distribution } from '../distribution.ts';
import { PlannerError } from '../errors.ts';

/** What was read from somewhere. */
export interface Reading {
  durations: Distribution;
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

/** A line longer than this is no line of a log. */
const LINE_MAX = 64 * 1_024;

/**
 * Reads a file line by line: its size does not matter. Lines that `parse` cannot understand are
 * counted. Throws `ERR_PLANNER_INPUT` when the file cannot be read or nothing in it is understood.
 */
export async function readLines(
  path: string,
  parse: (line: string, number: number) => Entry | 'heading' | undefined,
): Promise<Reading> {
  const durations = new Distribution();
  let [skipped, number, firstMs, lastMs] = [0, 0, Infinity, -Infinity];
  try {
    for await (const line of createInterface({
      input: createReadStream(path),
      crlfDelay: Infinity,
    })) {
      number += 1;
      if (line.trim() === '') continue;
      const entry = line.length > LINE_MAX ? undefined : parse(line, number);
      if (entry === 'heading') continue;
      if (!entry || !(entry.tookMs >= 0) || entry.tookMs === Infinity) {
        skipped += 1;
        continue;
      }
      durations.add(entry.tookMs);
      if (entry.atMs !== undefined) {
        firstMs = Math.min(firstMs, entry.atMs);
        lastMs = Math.max(lastMs, entry.atMs);
      }
    }
  } catch (error) {
    if (error instanceof PlannerError) throw error;
    throw new PlannerError('ERR_PLANNER_INPUT', `${path}: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  const read = durations.count;
  if (read === 0)
    throw new PlannerError(
      'ERR_PLANNER_INPUT',
      `${path}: found no duration in ${number} lines (${skipped} were not understood). See docs/reference/planner.md for what is.`,
    );
  const spanMs = lastMs - firstMs;
  return {
    durations,
    ratePerSecond: spanMs > 0 ? (read / spanMs) * 1_000 : null,
    source: path,
    read,
    skipped,
  };
}
