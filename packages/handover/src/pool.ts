import pg from 'pg';
import { fetchStatement } from './hub.ts';
import type { Resolved } from './options.ts';
import * as sql from './statements.ts';
import { writeStatement } from './write-statement.ts';

/**
 * Connections for reads and writes; one that breaks while idle is replaced by the next query.
 * `idleMs`: one that has been idle so long is closed; 0 keeps it.
 */
export function makePool(
  { connectionString, connections }: Resolved,
  name: string,
  idleMs: number,
): pg.Pool {
  const made = new pg.Pool({
    connectionString,
    max: connections,
    idleTimeoutMillis: idleMs,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: name,
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
