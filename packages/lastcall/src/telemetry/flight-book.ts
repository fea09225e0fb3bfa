import {
  appendFileSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { FlightRecord } from './flight-record.ts';

/** The file that stops are kept in, what it becomes when it has grown, and how large that is. */
const FILE = 'stops.jsonl';
const OLD_FILE = 'stops.1.jsonl';
/** Exists while one process puts the new file in place of the old one, and how old it can be before its process has died. */
const LOCK = 'stops.lock';
const LOCK_MAX_MS = 60_000;
const MAX_BYTES = 2 ** 20;
/** No more is read of a file's end: one that is far larger was written by somebody else. */
const READ_BYTES = 4 * MAX_BYTES;
const NEWLINE = 10;

/** Appends one record to `stops.jsonl` in `dir`. Throws what the disk says. */
export function keepFlight(dir: string, record: object): void {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, FILE);
  const { size, last } = look(path);
  if (size > MAX_BYTES) change(dir, path);
  // A record that was cut short, by a full disk or a crash, must not take this one with it.
  const start = size > 0 && last !== NEWLINE ? '\n' : '';
  appendFileSync(path, `${start}${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/**
 * Begins a new file. Workers that stop together find the old one too large together: one of them
 * does it, and looks again first, or the new file would take the place of all the records before it.
 */
function change(dir: string, path: string): void {
  const lock = join(dir, LOCK);
  if (!take(lock)) return;
  try {
    if (look(path).size > MAX_BYTES) renameSync(path, join(dir, OLD_FILE));
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Whether the lock is had. One that was left behind is removed, for the next to have it. */
function take(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
  if (Date.now() - since > LOCK_MAX_MS) rmSync(lock, { force: true });
  return false;
}

export interface Flights {
  /** Oldest first. */
  records: FlightRecord[];
  /** Lines that are no record. */
  broken: number;
  /** The newest part that was left out of a file of more than 4 MiB: its front. */
  leftOut: { path: string; bytes: number; newerRecords: number } | undefined;
}

/** The records kept in a folder. Throws what the disk says. */
export function readFlights(dir: string): Flights {
  const flights: Flights = { records: [], broken: 0, leftOut: undefined };
  for (const path of [join(dir, FILE), join(dir, OLD_FILE)]) {
    const { lines, leftOutBytes } = lastLines(path);
    const records = lines.flatMap((line) => parse(line) ?? []);
    flights.broken += lines.length - records.length;
    flights.records = once([...records, ...flights.records]);
    if (leftOutBytes > 0)
      flights.leftOut ??= { path, bytes: leftOutBytes, newerRecords: flights.records.length };
  }
  return flights;
}

/** A worker and its supervisor that share a folder keep each stop both; the supervisor's copy says more. */
function once(records: readonly FlightRecord[]): FlightRecord[] {
  const supervised = (record: FlightRecord): boolean => 'worker' in record;
  const nameOf = ({ pid, startedAt, result }: FlightRecord): string =>
    `${pid} ${startedAt} ${result}`;
  const told = new Set(records.filter(supervised).map(nameOf));
  return records.filter((record) => supervised(record) || !told.has(nameOf(record)));
}

function lastLines(path: string): { lines: string[]; leftOutBytes: number } {
  const found = read(path, READ_BYTES, (bytes, size) => {
    const lines = bytes.toString().split('\n');
    const leftOutBytes = size - bytes.length;
    // Where reading began in the middle, it began in the middle of a line.
    if (leftOutBytes > 0) lines.shift();
    return { lines: lines.filter((line) => line !== ''), leftOutBytes };
  });
  return found ?? { lines: [], leftOutBytes: 0 };
}

function look(path: string): { size: number; last: number | undefined } {
  return read(path, 1, (bytes, size) => ({ size, last: bytes[0] })) ?? { size: 0, last: undefined };
}

/** Reads the end of a file; undefined where there is none. Throws for what is no file. */
function read<Result>(
  path: string,
  mostBytes: number,
  use: (bytes: Buffer, size: number) => Result,
): Result | undefined {
  let file: number;
  try {
    // A pipe would wait for its writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error(`${path} is no file`);
    const bytes = Buffer.alloc(Math.min(stat.size, mostBytes));
    const count = readSync(file, bytes, 0, bytes.length, stat.size - bytes.length);
    return use(bytes.subarray(0, count), stat.size);
  } finally {
    closeSync(file);
  }
}

function parse(line: string): FlightRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isFlight(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCounts = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((count) => typeof count === 'number');

/** Whether it has what those who show it rely on. */
function isFlight(value: unknown): value is FlightRecord {
  if (!isObject(value) || value.version !== 1) return false;
  const { phases, estimate, outcomes, inFlightByKind } = value;
  return (
    Array.isArray(phases) &&
    phases.every(
      (phase) =>
        isObject(phase) && typeof phase.state === 'string' && typeof phase.durationMs === 'number',
    ) &&
    isObject(estimate) &&
    isCounts(outcomes) &&
    isCounts(inFlightByKind) &&
    ['name', 'reason', 'result', 'startedAt'].every((key) => typeof value[key] === 'string') &&
    !Number.isNaN(Date.parse(value.startedAt as string)) &&
    ['pid', 'durationMs', 'inFlightAtStart'].every((key) => typeof value[key] === 'number')
  );
}
