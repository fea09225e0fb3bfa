// Free ports, and who listens on a port, read from the kernel without touching the server.
import { closeSync, openSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';

/** Given out of late: servers that were told of them may not have bound them yet. */
const given: number[] = [];
const remembered = 1000;

/** A port that was free a moment ago, and that nobody else was given of late. */
export async function freePort(host: string): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = await unboundPort(host);
    // A machine may have few ports to give.
    if (given.includes(port) && tries < 20) continue;
    given.push(port);
    if (given.length > remembered) given.shift();
    return port;
  }
}

function unboundPort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}

const listenState = '0A';

interface Listener {
  readonly port: number;
  readonly inode: string;
}

/**
 * The listening TCP sockets, IPv4 first. The second file is read only by who goes on asking: where a
 * family has no connection, the kernel walks over the thousands of the other to find that out.
 */
function* listeners(): Generator<Listener> {
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const columns of listenLines(file)) {
      const port = Number.parseInt(columns[1]?.split(':')[1] ?? '0', 16);
      yield { port, inode: columns[9] ?? '' };
    }
  }
}

/** The kernel lists listening sockets first, so thousands of other lines need not be read. */
function listenLines(file: string): string[][] {
  const fd = openSync(file, 'r');
  try {
    const part = Buffer.alloc(8192);
    const found: string[][] = [];
    let rest = '';
    for (let bytes = readSync(fd, part); bytes > 0; bytes = readSync(fd, part)) {
      const lines = (rest + part.toString('latin1', 0, bytes)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const columns = line.trim().split(/\s+/);
        if (columns[3] === listenState) found.push(columns);
        else if (columns[0] !== 'sl') return found;
      }
    }
    return found;
  } finally {
    closeSync(fd);
  }
}

/** Whether something listens on the port; undefined where there is no /proc. */
export function isListening(port: number): boolean | undefined {
  try {
    for (const one of listeners()) if (one.port === port) return true;
    return false;
  } catch {
    return undefined;
  }
}

/** The ports on which one of these processes listens. */
export function listeningPorts(pids: readonly number[]): number[] {
  const inodes = new Set(pids.flatMap((pid) => socketInodes(pid)));
  try {
    const own = [...listeners()].filter((one) => inodes.has(one.inode));
    return [...new Set(own.map((one) => one.port))].sort((left, right) => left - right);
  } catch {
    return [];
  }
}

function socketInodes(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const link = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return link.startsWith('socket:[') ? [link.slice(8, -1)] : [];
    });
  } catch {
    return []; // it ended while we looked, or belongs to someone else
  }
}

/** False for a process of another user, whose sockets cannot be seen. */
export function showsSockets(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).length > 0;
  } catch {
    return false;
  }
}
