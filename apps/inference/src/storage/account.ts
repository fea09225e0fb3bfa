// PostgreSQL refuses to run as root, so root runs it as an account of its own.
import { execFile } from 'node:child_process';
import { constants, accessSync, statSync } from 'node:fs';
import { dirname, parse } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whom the database processes run as; empty: as this process. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>;

const accountName = 'postgres';

async function lookUp(): Promise<Account | undefined> {
  try {
    const uid = Number((await run('id', ['-u', accountName])).stdout);
    return { uid, gid: Number((await run('id', ['-g', accountName])).stdout) };
  } catch {
    return undefined;
  }
}

/** The account to run PostgreSQL as; made when this process is root and there is none yet. */
export async function databaseAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const found = await lookUp();
  if (found) return found;
  try {
    await run('useradd', ['--system', '--user-group', '--shell', '/usr/sbin/nologin', accountName]);
  } catch (cause) {
    throw new Error(
      `PostgreSQL does not run as root, and the account '${accountName}' could not be made: make it, start as an ordinary user, or set DATABASE_URL.`,
      { cause },
    );
  }
  return (await lookUp()) ?? {};
}

/** Whether the account may enter every folder on the way to `path` (which exists, or will be made). */
export function reachable(path: string, account: Account): boolean {
  if (account.uid === undefined) return true;
  for (let folder = path; folder !== parse(folder).root; folder = dirname(folder)) {
    const stat = statSync(dirname(folder), { throwIfNoEntry: false });
    if (!stat) continue;
    const shift = stat.uid === account.uid ? 6 : stat.gid === account.gid ? 3 : 0;
    if (((stat.mode >> shift) & 1) === 0) return false;
  }
  return true;
}

/** Whether this process may make files in the nearest existing folder of `path`. */
export function writable(path: string): boolean {
  let folder = path;
  while (!statSync(folder, { throwIfNoEntry: false })) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
