import { createHash, randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { chown, cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../config.ts';
import { type Account, reachable } from './account.ts';
import type { Binaries } from './binaries.ts';

const run = promisify(execFile);

/** Where root keeps what the database account cannot reach in the checkout (a checkout under /root, say). */
const sharedFolder = '/var/lib/lastcall';
export const superuser = 'lastcall';

/** The cluster's files: `data` is PostgreSQL's own, `password` the superuser's, `log` the server's. */
export interface ClusterFolder {
  readonly path: string;
  readonly data: string;
  readonly password: string;
  readonly log: string;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

/** `<dataDir>/postgres`, or a folder of root's that the database account can reach. */
export function clusterFolder(dataDir: string, account: Account): ClusterFolder {
  const wanted = join(resolve(dataDir), 'postgres');
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
  const path = reachable(join(wanted, 'data'), account)
    ? wanted
    : join(sharedFolder, `postgres-${name}`);
  return {
    path,
    data: join(path, 'data'),
    password: join(path, 'password'),
    log: join(path, 'server.log'),
  };
}

/** The programs, or a copy of them that the database account can run. */
export async function runnable(
  binaries: Binaries,
  account: Account,
  say: (line: string) => void,
): Promise<Binaries> {
  const tried = await run(binaries.postgres, ['--version'], { ...account, cwd: '/' }).catch(
    (error: NodeJS.ErrnoException) => error,
  );
  if (!(tried instanceof Error)) return binaries;
  if (tried.code !== 'EACCES') throw tried;
  const manifest = await readFile(join(dirname(binaries.folder), 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const folder = join(sharedFolder, `programs-${version}`);
  if (!(await exists(folder))) {
    say(`copying the PostgreSQL programs to ${folder}, where its account can run them`);
    const fresh = `${folder}.${process.pid}`;
    await mkdir(sharedFolder, { recursive: true, mode: 0o755 });
    await cp(binaries.folder, fresh, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'a+rX', fresh]);
    await publish(fresh, folder);
  }
  const at = (path: string): string => join(folder, path.slice(binaries.folder.length));
  return { folder, initdb: at(binaries.initdb), postgres: at(binaries.postgres) };
}

/** Renames a finished folder into place; another process may have been faster, and its folder is as good. */
async function publish(fresh: string, folder: string): Promise<void> {
  try {
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Makes the cluster when there is none. A start that was killed half way leaves no half cluster behind. */
export async function initialise(
  folder: ClusterFolder,
  binaries: Binaries,
  account: Account,
  say: (line: string) => void,
): Promise<void> {
  if (await exists(folder.path)) return;
  say(`initialising PostgreSQL in ${folder.path} (only the first time)`);
  const fresh = `${folder.path}.${process.pid}`;
  const own = async (path: string): Promise<void> => {
    if (account.uid !== undefined) await chown(path, account.uid, account.gid);
  };
  await rm(fresh, { recursive: true, force: true });
  await mkdir(join(fresh, 'data'), { recursive: true });
  try {
    await own(join(fresh, 'data'));
    await writeFile(join(fresh, 'password'), randomBytes(24).toString('hex'), { mode: 0o600 });
    await own(join(fresh, 'password'));
    await run(
      binaries.initdb,
      [
        `--pgdata=${join(fresh, 'data')}`,
        `--username=${superuser}`,
        `--pwfile=${join(fresh, 'password')}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
      ],
      { ...account, cwd: '/' },
    );
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  await publish(fresh, folder.path);
}

/** @throws where the folder belongs to another account. */
export async function readPassword(folder: ClusterFolder): Promise<string> {
  try {
    return await readFile(folder.password, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `The database in ${folder.path} belongs to another account: expected a readable file 'password', got ${(cause as NodeJS.ErrnoException).code}. Start as the account that made it, or set LASTCALL_DATA_DIR to another folder.`,
      { cause },
    );
  }
}
