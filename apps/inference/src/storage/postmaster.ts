import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.ts';
import type { ClusterFolder } from './folder.ts';

/** A PostgreSQL server process, ours or one that an earlier start left. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly child: ChildProcess | undefined;
}

/** The folder a process works in: undefined when it has ended (a zombie counts as ended), '' when it is not told. */
function workFolder(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return process.platform === 'linux' ? readlinkSync(`/proc/${pid}/cwd`) : '';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM' ? '' : undefined;
  }
}

/** The server that runs on this folder now, once it has written where it listens. */
export function findPostmaster({ data }: ClusterFolder): Postmaster | undefined {
  const file = join(data, 'postmaster.pid');
  let lines: string[];
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  const at = pid ? workFolder(pid) : undefined;
  if (at === undefined) return undefined;
  if (at !== '' && at !== realpathSync(data)) {
    // PostgreSQL works in its data folder, so this is not it: after a container's restart another
    // process has its number, and PostgreSQL would refuse to start for as long as that one lives.
    rmSync(file, { force: true });
    return undefined;
  }
  return port ? { pid, port, child: undefined } : undefined;
}

/** The port of the server's last start, as it wrote it down; undefined when it never ran. */
function lastPort({ data }: ClusterFolder): number | undefined {
  try {
    const options = readFileSync(join(data, 'postmaster.opts'), 'utf8');
    return Number(/"-p" "(\d+)"/.exec(options)?.[1]) || undefined;
  } catch {
    return undefined;
  }
}

/**
 * The port of the last start, because services that are connected to it look for it there again; another one
 * when it is taken by now.
 */
export async function choosePort(folder: ClusterFolder): Promise<number> {
  const last = lastPort(folder);
  return (last === undefined ? undefined : await bindable(last)) ?? (await bindable(0)) ?? 0;
}

/** 0: any. */
async function bindable(wanted: number): Promise<number | undefined> {
  const server = createServer().listen(wanted, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts the server in a session of its own, so that a Ctrl-C in the terminal does not stop it with us. */
export function spawnPostmaster(
  postgres: string,
  folder: ClusterFolder,
  port: number,
  account: Account,
): Postmaster {
  const log = openSync(folder.log, 'a');
  try {
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories='];
    const child = spawn(
      postgres,
      ['-D', folder.data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
      { ...account, cwd: '/', detached: true, stdio: ['ignore', log, log] },
    );
    child.on('error', () => undefined); // seen as a process without a pid below
    child.unref();
    return { pid: child.pid ?? 0, port, child };
  } finally {
    closeSync(log);
  }
}

export function hasEnded({ pid, child }: Postmaster): boolean {
  if (child) return pid === 0 || child.exitCode !== null || child.signalCode !== null;
  return workFolder(pid) === undefined;
}

/** PostgreSQL's fast shutdown: sessions are ended, everything committed is on disk, the process is gone. */
export async function stopPostmaster(postmaster: Postmaster, limitMs: number): Promise<void> {
  if (hasEnded(postmaster)) return;
  const { pid, child } = postmaster;
  const signal = AbortSignal.timeout(limitMs);
  try {
    child?.ref();
    const exit = child && once(child, 'exit', { signal });
    process.kill(pid, 'SIGINT');
    if (exit) await exit;
    // Not our child, so there is no event for its end.
    else while (!hasEnded(postmaster)) await sleep(20, undefined, { signal });
  } catch (cause) {
    throw new Error(`PostgreSQL (process ${pid}) did not stop within ${limitMs} ms of SIGINT.`, {
      cause,
    });
  }
}
