import type { EventEmitter } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import type { Handle, Stays } from './wire.ts';

/** One end of a channel of node:child_process: a child, or in a child its own process. */
export interface Channel extends EventEmitter {
  send?: (message: unknown, handle: never, options: object, done: () => void) => boolean;
  /** What waits until the connection sent last has been acknowledged; null when nothing does. */
  _handleQueue?: unknown[] | null;
  /** Through it goes whatever is sent, also what node:child_process itself has to say. */
  _send?: (message: unknown, ...rest: unknown[]) => unknown;
}

/** A message of node:child_process's own; with a connection it holds the message that was sent. */
interface Internal {
  cmd?: string;
  msg?: unknown;
}

/** The number that the kernel gives to a socket while it is open, the same in every process. */
export const inodeOf = ({ fd }: Handle): number => fstatSync(fd ?? -1).ino;

const unhurried = new WeakSet<Channel>();

interface Held {
  /** Messages that are to take it along and have not been written. */
  sends: number;
  /** What asked for its end meanwhile, and what to tell then. */
  close?: (() => void) | undefined;
}

const held = new WeakMap<Handle, Held>();

/**
 * A connection goes with its message when that is written, which takes until the receiver reads if
 * the channel is full; libuv aborts the process when it has been closed by then. Until the returned
 * function is called, a close waits.
 */
function holdOpen(handle: Handle): () => void {
  const hold = held.get(handle) ?? { sends: 0 };
  held.set(handle, hold);
  hold.sends += 1;
  handle.close = (done = () => undefined) => {
    hold.close = done;
  };
  return () => {
    hold.sends -= 1;
    if (hold.sends > 0) return;
    held.delete(handle);
    Reflect.deleteProperty(handle, 'close');
    if (hold.close) handle.close(hold.close);
  };
}

/**
 * To be called where connections arrive. Leaves out the acknowledgements that their sender does not
 * wait for, and calls `lost` with a message whose connection did not arrive with it:
 * node:child_process keeps such a message to itself.
 */
export function takeConnections(channel: Channel, lost: (message: unknown) => void): void {
  const send = channel._send;
  let unawaited = false;
  channel.prependListener('internalMessage', ({ cmd, msg }: Internal, handle: unknown) => {
    if (cmd !== 'NODE_HANDLE') return;
    if (handle) unawaited = (msg as { unawaited?: unknown } | undefined)?.unawaited === true;
    else lost(msg);
  });
  channel._send = (...args): unknown => {
    const { cmd } = args[0] as Internal;
    if (cmd !== 'NODE_HANDLE_ACK' || !unawaited) return send?.apply(channel, args);
    unawaited = false;
    return true;
  };
}

/** Why a connection did not arrive: the kernel drops what it finds no descriptor for. */
export function whyLost(): Stays {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return 'mixed-up';
  } catch {
    return 'descriptors';
  }
}

/**
 * Sends a message and, with it, a bare connection, which stays open here too.
 *
 * After a connection node:child_process holds everything back until the receiver has acknowledged
 * it: a round trip for each of ten thousand. That keeps a message that is read in two pieces from
 * being given the next one's connection, or none. A short message is hardly ever read so, and its
 * receiver compares the inode; so on Linux, where a socket has one, nothing waits.
 */
export function sendOver(channel: Channel, message: object, handle?: Handle): void {
  const waited = channel._handleQueue;
  const waits = !handle || waited || process.platform !== 'linux';
  // What waits here for an acknowledgement may never be sent, and is not held.
  const sent = handle && !waited ? holdOpen(handle) : () => undefined;
  // Its types do not say that it sends bare connections.
  channel.send?.(waits ? message : { ...message, unawaited: true }, handle as never, {}, sent);
  if (waits) return;
  channel._handleQueue = null;
  if (unhurried.has(channel)) return;
  unhurried.add(channel);
  // A receiver that acknowledges all the same: it takes each acknowledgement for the end of a wait.
  channel.prependListener('internalMessage', ({ cmd }: Internal) => {
    if (cmd === 'NODE_HANDLE_ACK' || cmd === 'NODE_HANDLE_NACK') channel._handleQueue ??= [];
  });
}
