import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { patient } from './patiently.ts';

const folder = fileURLToPath(new URL('../../migrations/', import.meta.url));
const migrationLock = 0x1a57_ca12;

/** The database was migrated by a newer version of the service: this one must not touch it. */
export class NewerDatabaseError extends Error {
  readonly code = 'DATABASE_IS_NEWER';
}

interface Migration {
  readonly version: number;
  readonly name: string;
}

function known(): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{3}_\w+\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 3)), name }));
}

/**
 * Brings the database to this version, in one transaction; several services may start at once.
 * Throws {@link NewerDatabaseError}.
 */
export async function migrate(client: pg.ClientBase): Promise<void> {
  await client.query('begin');
  try {
    await client.query(patient(`select pg_advisory_xact_lock(${migrationLock})`));
    await client.query('create schema if not exists inference');
    await client.query(
      'create table if not exists inference.migrations (version integer primary key, name text not null)',
    );
    const { rows } = await client.query<{ at: number }>(
      'select coalesce(max(version), 0) as at from inference.migrations',
    );
    const at = rows[0]?.at ?? 0;
    const migrations = known();
    const newest = migrations.at(-1)?.version ?? 0;
    if (at > newest)
      throw new NewerDatabaseError(
        `The database is at migration ${at}, this service knows migrations up to ${newest}: start the newer version, or name another database in DATABASE_URL.`,
      );
    for (const { version, name } of migrations.filter(({ version }) => version > at)) {
      await client.query(patient(readFileSync(`${folder}${name}`, 'utf8')));
      await client.query('insert into inference.migrations values ($1, $2)', [version, name]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
