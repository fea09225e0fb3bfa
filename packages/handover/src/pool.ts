import pg from 'pg';
import { fetchStatement } from './hub.ts';
import type { Resolved } from './options.ts';
import * as sql from './statements.ts';
import { writeStatement } from './write-statement.ts';

/**
 * How long a query may go unanswered until its connection is taken for dead: one whose packets are
 * dropped says nothing for a quarter of an hour. What was in doubt is asked again on another.
 */
export const silentMs = ({ leaseMs }: Resolved): number => Math.max(leaseMs, 5_000);

/**
 * Connections for reads and writes; one that breaks while idle is replaced by the next query.
 * `idleMs`: one that has been idle so long is closed; 0 keeps it.
 */
export function makePool(
  { connectionString, connections }: Resolved,
  name: string,
  idleMs: number,
  queryTimeoutMs?: number,
): pg.Pool {
  const made = new pg.Pool({
    connectionString,
    max: connections,
    idleTimeoutMillis: idleMs,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: name,
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
  });
  made.on('error', () => undefined);
  // One that breaks in its user's hands fails his next query; the event would end the process.
  made.on('connect', (client) => client.on('error', () => undefined));
  return made;
}

/**
 * Opens every connection and prepares what a handover needs on each, so that the first work which
 * comes here does not wait for that. What fails is made up for by the first query.
 */
export async function warm(pool: pg.Pool, { connections }: Resolved): Promise<void> {
  const prepare = async (): Promise<(() => void) | undefined> => {
    try {
      const client = await pool.connect();
      try {
        for (const statement of statements) await client.query(statement);
      } catch {
        return () => client.release(true);
      }
      return () => client.release();
    } catch {
      return undefined;
    }
  };
  // None is given back before all are open: the pool would hand out the same one again.
  const releases = await Promise.all(Array.from({ length: connections }, prepare));
  for (const release of releases) release?.();
}

const none: unknown[] = [];
/** Of no worker and no work: they find nothing. */
const statements: pg.QueryConfig[] = [
  { name: 'handover-claim', text: sql.claim, values: ['0', '', 0] },
  {
    name: 'handover-write',
    text: writeStatement,
    values: ['0', ...Array.from({ length: 19 }, () => none)],
  },
  { name: 'handover-fetch', text: fetchStatement, values: [none, none] },
];
