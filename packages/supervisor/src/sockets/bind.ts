import { readFileSync, readlinkSync, renameSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import { SupervisorError } from '../errors.ts';
import { type Address, showAddress } from './address.ts';

/** A socket that is bound and held, never listened on here: the workers do that. */
export interface Listener {
  readonly address: Address;
  readonly fd: number;
  /** Gives up this process's hold. The socket lives on while a worker has it. */
  close(): void;
}

/** The part of a libuv handle used here; `_createServerHandle` is how cluster makes one. */
interface Handle {
  fd: number;
  close(): void;
  getsockname?(out: { address?: string; port?: number }): number;
}

type CreateHandle = (
  host: string | null,
  port: number,
  type: number,
  fd?: number,
) => Handle | number;

const createHandle = (net as unknown as { _createServerHandle: CreateHandle })._createServerHandle;

/** Binds without listening, so that no connection is ever accepted by the supervisor. */
export function bind(address: Address): Listener {
  return 'path' in address ? bindUnix(address.path) : bindTcp(address);
}

function bindTcp(wanted: { host: string; port: number }): Listener {
  const { host, port } = wanted;
  // Public from Node 24.21; before it only the handle that node:cluster uses binds without listening.
  if (typeof net.BoundSocket === 'function') {
    const socket = attempt(wanted, () => new net.BoundSocket({ host, port }));
    const bound = socket.address() as { port: number };
    return {
      address: { host, port: bound.port },
      fd: socket.fd(),
      close: () => socket.close(),
    };
  }
  const handle = attempt(wanted, () =>
    unwrap(createHandle(host, port, host.includes(':') ? 6 : 4)),
  );
  const name: { port?: number } = {};
  // libuv reports a taken port only when the name is asked for.
  attempt(wanted, () => throwIf(handle.getsockname?.(name) ?? 0));
  return { address: { host, port: name.port ?? port }, fd: handle.fd, close: () => handle.close() };
}

/**
 * A unix socket is bound under another name and renamed into place: a stale file of a killed
 * supervisor is replaced in one step, and libuv, which removes the name it has bound when the
 * handle closes, leaves the real one to whoever holds the socket then.
 */
function bindUnix(path: string): Listener {
  const address = { path };
  const draft = `${path}.${process.pid}`;
  const handle = attempt(address, () => unwrap(createHandle(draft, -1, -1)));
  attempt(address, () => renameSync(draft, path));
  return { address, fd: handle.fd, close: () => handle.close() };
}

/** Takes over a socket that came with the process: from an older supervisor, or from systemd. */
export function adopt(fd: number, known?: Address): Listener {
  const handle = unwrap(createHandle(null, 0, -1, fd));
  return { address: known ?? nameOf(handle, fd), fd, close: () => handle.close() };
}

function nameOf(handle: Handle, fd: number): Address {
  const name: { address?: string; port?: number } = {};
  if (handle.getsockname && handle.getsockname(name) === 0 && name.port !== undefined)
    return { host: name.address ?? '0.0.0.0', port: name.port };
  const inode = /\d+/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[0];
  const line = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .find((l) => l.split(/\s+/)[6] === inode);
  return { path: line?.split(/\s+/)[7] ?? `fd ${fd}` };
}

/** Removes the name of a unix socket that nobody serves any more. */
export function unlinkAddress(address: Address): void {
  if (!('path' in address)) return;
  try {
    unlinkSync(address.path);
  } catch {
    // It has gone already: nothing is left to remove.
  }
}

function unwrap(handle: Handle | number): Handle {
  if (typeof handle === 'number')
    throw Object.assign(new Error(`error ${handle}`), { errno: handle });
  return handle;
}

function throwIf(errno: number): void {
  if (errno !== 0) throw Object.assign(new Error(`error ${errno}`), { errno });
}

function attempt<T>(address: Address, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    const why = WHY[code ?? ''] ?? WHY[String(errno)] ?? (error as Error).message;
    throw new SupervisorError(
      'ERR_SUPERVISOR_ADDRESS',
      `listen: cannot bind ${showAddress(address)}: ${why}.`,
      { cause: error },
    );
  }
}

const WHY: Record<string, string> = {
  EADDRINUSE: 'another process listens there; stop it or choose another address',
  '-98': 'another process listens there; stop it or choose another address',
  EACCES:
    'permission denied; ports below 1024 and the folder of a unix socket need the right to them',
  '-13':
    'permission denied; ports below 1024 and the folder of a unix socket need the right to them',
  EADDRNOTAVAIL: 'this machine has no such address',
  '-99': 'this machine has no such address',
  ENOENT: 'the folder does not exist',
  '-2': 'the folder does not exist',
};
