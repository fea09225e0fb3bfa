import { type Handover, openHandover } from '@lastcall/handover';
import type { Lifecycle } from 'lastcall';
import { createPool } from 'lastcall/pg';
import type pg from 'pg';
import { migrate } from './migrate.ts';
import { patiently } from './patiently.ts';
import type { Storage } from './storage.ts';

/** The longest event is a whole text of 100,000 tokens, and a checkpoint holds one as well. */
const largestBytes = 4 * 1024 * 1024;

export interface Works {
  readonly handover: Handover;
  /** For the service's own tables. */
  readonly pool: pg.Pool;
}

/**
 * Waits for the database, however long, saying so, and brings it to this version. Throws when
 * waiting would not help, and when the service stops first.
 */
export async function openWorks(
  storage: Storage,
  { lifecycle, say }: { lifecycle: Lifecycle; say: (line: string) => void },
): Promise<Works> {
  // A stop that comes first closes it, which rejects.
  const handover = await openHandover({
    connectionString: storage.url(),
    beforeConnect: () => storage.ensure(),
    lifecycle,
    eventMaxBytes: largestBytes,
    checkpointMaxBytes: largestBytes,
    say,
  });
  const pool = createPool(lifecycle, {
    connectionString: storage.url(),
    connectionTimeoutMillis: 5_000,
    // A connection whose packets are dropped says nothing for a quarter of an hour.
    query_timeout: 5_000,
    application_name: 'lastcall-inference',
    max: 4,
  });
  await patiently(lifecycle, () => migrated(pool));
  return { handover, pool };
}

async function migrated(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await migrate(client);
  } finally {
    client.release();
  }
}
