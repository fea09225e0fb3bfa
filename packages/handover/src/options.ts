import { hostname } from 'node:os';
import type { Lifecycle } from 'lastcall';
import { HandoverError } from './errors.ts';

export interface HandoverOptions {
  /** Where PostgreSQL is. Required. */
  connectionString: string;
  /** Called before each attempt to connect, to start a database that is not there, say. */
  beforeConnect?: () => Promise<void>;
  /** Work is then counted in its ledger, passed on when it drains, and closed with it. */
  lifecycle?: Lifecycle;
  /** A name for the node, for people and for `reportDead`. Default: the host's name. It need not be unique. */
  node?: string;
  /** How long a worker may be silent before others take its work, in milliseconds. Default 5000. */
  leaseMs?: number;
  /** How long a batch of writes gathers before it is committed, in milliseconds. Default 2. */
  gatherMs?: number;
  /** Work for which nobody answered is put back this long before the deadline of a stop. Default 1000. */
  putBackMs?: number;
  /** Connections for reads and writes, besides the one that listens; opened at the start and kept. Default 4. */
  connections?: number;
  /** The largest checkpoint, as JSON, in bytes. Default 1 MiB. */
  checkpointMaxBytes?: number;
  /** The largest event, as JSON, in bytes. Default 256 KiB. */
  eventMaxBytes?: number;
  /** Events of an ended work are kept this long, in milliseconds. Default one hour. */
  keepEventsMs?: number;
  /** Events of one work are kept up to this size; the oldest go first, even while it runs. Default 64 MiB. */
  keepEventsBytes?: number;
  /** An ended work is known (its result, or 410 for its events) this long, in milliseconds. Default 7 days. */
  keepWorkMs?: number;
  /** Told what an operator should know: the database is gone, is back, a worker was found dead. */
  say?: (line: string) => void;
}

export type Resolved = Required<Omit<HandoverOptions, 'lifecycle' | 'beforeConnect'>> & {
  lifecycle: Lifecycle | undefined;
  beforeConnect: (() => Promise<void>) | undefined;
};

const numbers = {
  leaseMs: 5_000,
  gatherMs: 2,
  putBackMs: 1_000,
  connections: 4,
  checkpointMaxBytes: 1 << 20,
  eventMaxBytes: 256 << 10,
  keepEventsMs: 3_600_000,
  keepEventsBytes: 64 << 20,
  keepWorkMs: 7 * 86_400_000,
};

/** Fills in the defaults. Throws `ERR_HANDOVER_OPTION`. */
export function resolve(options: HandoverOptions): Resolved {
  const { connectionString, lifecycle, node = hostname(), say = () => undefined } = options;
  if (typeof connectionString !== 'string' || connectionString === '')
    throw wrong('connectionString', 'a PostgreSQL address', connectionString);
  const resolved = { ...numbers };
  for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
    const value = options[name] ?? numbers[name];
    if (!Number.isFinite(value) || value < (name === 'gatherMs' ? 0 : 1))
      throw wrong(name, 'a positive number', value);
    resolved[name] = value;
  }
  if (resolved.leaseMs < 500) throw wrong('leaseMs', 'at least 500', resolved.leaseMs);
  return {
    ...resolved,
    connectionString,
    beforeConnect: options.beforeConnect,
    lifecycle,
    node,
    say,
  };
}

const wrong = (option: string, expected: string, got: unknown): HandoverError =>
  new HandoverError(
    'ERR_HANDOVER_OPTION',
    `Option ${option}: expected ${expected}, got ${JSON.stringify(got)}.`,
    { option, got },
  );
