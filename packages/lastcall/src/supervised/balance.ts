import { readSync, writeSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { isArriving } from '../moving/http-arrival.ts';

const SLOT_BYTES = 4;
/** How many more connections than the least loaded sibling a worker takes without a pause. */
const AHEAD = 4;
const PAUSE_MS = 1;

/** A small file in memory that all workers of a node share: one number each. */
export interface Shares {
  fd: number;
  /** This worker's place in it. */
  slot: number;
  slots: number;
}

/** `FD:SLOT:SLOTS`, as the supervisor writes it. */
export function parseShares(text: string | undefined): Shares | undefined {
  const [fd, slot, slots] = (text ?? '').split(':').map(Number);
  return fd && slot !== undefined && slots ? { fd, slot, slots } : undefined;
}

/**
 * Keeps connections even among workers that accept from one queue. Left alone, the worker that is
 * awake takes a whole burst, and with keep-alive it serves that burst alone for as long as it lasts.
 * So each worker writes down how many it has, and one that is ahead of the least loaded pauses for a
 * millisecond after an accept, in which the others are first.
 */
export function balanceAccepts(server: Server, shares: Shares, accepting: () => boolean): void {
  const { fd, slot, slots } = shares;
  const own = Buffer.alloc(SLOT_BYTES);
  const all = Buffer.alloc(slots * SLOT_BYTES);
  const never = new Int32Array(new SharedArrayBuffer(4));
  let open = 0;

  // 0 stands for a worker that accepts nothing, so that nobody waits for it.
  const note = (): void => {
    own.writeUInt32LE(accepting() ? open + 1 : 0);
    writeSync(fd, own, 0, SLOT_BYTES, slot * SLOT_BYTES);
  };
  // Moves bring and take many in one turn, and accept none.
  let noting: NodeJS.Immediate | undefined;
  const noteSoon = (): void => {
    noting ??= setImmediate(() => {
      noting = undefined;
      note();
    });
  };
  const isAhead = (): boolean => {
    readSync(fd, all, 0, all.length, 0);
    for (let i = 0; i < slots; i += 1) {
      const other = all.readUInt32LE(i * SLOT_BYTES);
      if (other !== 0 && i !== slot && open + 1 > other + AHEAD) return true;
    }
    return false;
  };
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
      noteSoon();
    });
    if (isArriving(socket)) return noteSoon();
    note();
    if (isAhead()) Atomics.wait(never, 0, 0, PAUSE_MS);
  });
  server.on('close', note);
  note();
}
