import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../sockets/address.ts';
import type { WorkerProcess } from './worker-process.ts';

const PAUSE_MS = 50;
const ANSWER_LIMIT_MS = 5_000;
const ACCEPT_LIMIT_MS = 1_000;
const LOOK_MS = 5;
const CONSECUTIVE_BAD = 5;

/**
 * Waits until a foreign program answers the check path. All workers share one accept queue, so each
 * probe first waits until its connection is accepted, looks in the kernel's socket tables who has
 * it, and sends its request only when that is the worker in question.
 */
export async function probeWorker(
  process: WorkerProcess,
  running: () => boolean,
): Promise<{ ok: boolean; why: string }> {
  const { check } = process.launch.config;
  const address = process.launch.listeners[0]?.address;
  if (!address || process.pid === undefined)
    return { ok: false, why: 'has no socket to be probed on' };
  let bad = 0;
  while (running()) {
    const answer = await probeOnce(address, check, process.pid);
    if (answer === 'good') return { ok: true, why: `answered GET ${check}` };
    if (answer === 'bad' && ++bad >= CONSECUTIVE_BAD)
      return { ok: false, why: `answered GET ${check} with an error ${bad} times` };
    if (answer !== 'other') await sleep(PAUSE_MS);
  }
  return { ok: false, why: 'ended before it was ready' };
}

type Probe = 'good' | 'bad' | 'other' | 'none';

async function probeOnce(address: Address, path: string, pid: number): Promise<Probe> {
  const socket =
    'path' in address ? connect(address.path) : connect(address.port, reachable(address.host));
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect');
    const owner = await acceptor(socket, pid);
    if (owner !== 'mine') return owner;
    const status = await exchange(socket, path);
    if (status === undefined) return 'none';
    return status < 400 ? 'good' : 'bad';
  } catch {
    return 'none';
  } finally {
    socket.destroy();
  }
}

/** Waits until the connection is accepted and tells by whom. */
async function acceptor(socket: Socket, pid: number): Promise<'mine' | 'other' | 'none'> {
  // The other end of a unix socket is not in the tables: any answer counts.
  if (socket.remotePort === undefined || !existsSync('/proc/net/tcp')) return 'mine';
  const untilMs = performance.now() + ACCEPT_LIMIT_MS;
  while (performance.now() < untilMs && !socket.closed) {
    const inode = peerInode(socket);
    if (inode !== undefined)
      return family(pid).some((member) => holds(member, inode)) ? 'mine' : 'other';
    await sleep(LOOK_MS);
  }
  return 'none';
}

/** Sends one request and returns the status of the answer. */
function exchange(socket: Socket, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    let head = '';
    socket.setTimeout(ANSWER_LIMIT_MS, () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
    socket.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const match = /^HTTP\/1\.[01] (\d{3})/.exec(head);
      if (match) resolve(Number(match[1]));
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: probe\r\n\r\n`);
  });
}

const reachable = (host: string): string =>
  host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;

/** The inode of the server's end of a TCP connection on this machine; none until it is accepted. */
function peerInode(socket: Socket): string | undefined {
  const { localPort, remotePort } = socket;
  if (localPort === undefined || remotePort === undefined) return undefined;
  const port = (n: number): string => n.toString(16).toUpperCase().padStart(4, '0');
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const line = readLines(file).find(
      (fields) =>
        fields[1]?.endsWith(`:${port(remotePort)}`) && fields[2]?.endsWith(`:${port(localPort)}`),
    );
    if (line && line[9] !== '0') return line[9];
  }
  return undefined;
}

function readLines(file: string): string[][] {
  try {
    return readFileSync(file, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}

/** A process and all that descend from it. */
function family(pid: number): number[] {
  const members = [pid];
  for (const member of members)
    try {
      const children = readFileSync(`/proc/${member}/task/${member}/children`, 'latin1');
      members.push(...children.split(' ').filter(Boolean).map(Number));
    } catch {
      // It has ended, or the kernel does not list children: the worker itself is looked at anyway.
    }
  return members;
}

function holds(pid: number, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
