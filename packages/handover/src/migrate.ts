import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ClientBase } from 'pg';
import { HandoverError } from './errors.ts';

const folder = fileURLToPath(new URL('../migrations/', import.meta.url));
const migrationLock = 0x1a57_0001;

const known = (): { version: number; name: string }[] =>
  readdirSync(folder)
    .filter((name) => /^\d{3}_\w+\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 3)), name }));

/**
 * Brings the schema `handover` to this version, in one transaction; any number may start at once.
 * Throws `ERR_HANDOVER_NEWER`, having changed nothing, when a newer version was here.
 */
export async function migrate(client: ClientBase): Promise<void> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    await client.query('create schema if not exists handover');
    await client.query(
      'create table if not exists handover.migrations (version integer primary key, name text not null)',
    );
    const { rows } = await client.query<{ at: number }>(
      'select coalesce(max(version), 0) as at from handover.migrations',
    );
    const at = rows[0]?.at ?? 0;
    const migrations = known();
    const newest = migrations.at(-1)?.version ?? 0;
    if (at > newest)
      throw new HandoverError(
        'ERR_HANDOVER_NEWER',
        `The schema handover is at migration ${at}, this version knows migrations up to ${newest}: start the newer version, or use another database.`,
        { found: at, known: newest },
      );
    for (const { version, name } of migrations.filter(({ version }) => version > at)) {
      await client.query(readFileSync(`${folder}${name}`, 'utf8'));
      await client.query('insert into handover.migrations values ($1, $2)', [version, name]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
