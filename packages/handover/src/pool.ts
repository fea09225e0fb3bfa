import pg from 'pg';
import type { Resolved } from './options.ts';

/** Connections for reads and writes; one that breaks while idle is replaced by the next query. */
export function makePool({ connectionString, connections }: Resolved, name: string): pg.Pool {
  const made = new pg.Pool({
    connectionString,
    max: connections,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: name,
  });
  made.on('error', () => undefined);
  // One that breaks in its user's hands fails his next query; the event would end the process.
  made.on('connect', (client) => client.on('error', () => undefined));
  return made;
}
