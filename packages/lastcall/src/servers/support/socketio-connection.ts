import type { Socket } from 'socket.io';

/** A connection of engine.io: what the sockets of one client, in all namespaces, share. */
export type Connection = Socket['conn'];

/** The WebSocket below a connection. */
interface Line {
  readyState: number;
  once(event: 'close', listener: (code: number) => void): unknown;
  terminate(): void;
}

/** In protocol 3 it is the client that pings. */
const PINGED_BY_SERVER = 4;
const CLOSED = 3;
const ABNORMAL = 1006;
/** Reasons of a close that is no client's or server's wish. */
const FAULTS: ReadonlySet<string> = new Set(['transport error', 'parse error', 'ping timeout']);

/** Connections that this side has begun to close in order. */
const closing = new WeakSet<Connection>();

export const isFault = (reason: string): boolean => FAULTS.has(reason);

/**
 * Resolves when what the client had sent before it knew what it was told has been read, but within
 * `maxMs`: nothing can be answered once the connection closes.
 */
export function roundTrip(connection: Connection, maxMs: number): Promise<void> {
  if (connection.readyState !== 'open' || connection.protocol !== PINGED_BY_SERVER)
    return Promise.resolve();
  return new Promise((resolve) => {
    // The answer to engine.io's own ping may be under way.
    let wanted = Reflect.get(connection, 'pingTimeoutTimer') ? 2 : 1;
    const done = (): void => {
      clearTimeout(timer);
      connection.off('heartbeat', onPong).off('close', done);
      resolve();
    };
    const onPong = (): void => {
      wanted -= 1;
      if (wanted === 0) done();
    };
    const timer = setTimeout(done, maxMs);
    connection.on('heartbeat', onPong).on('close', done);
    Reflect.apply(Reflect.get(connection, 'sendPacket') as (type: string) => void, connection, [
      'ping',
    ]);
  });
}

/** Closes a connection behind all that has been written; its client then connects again by itself. */
export function closeInOrder(connection: Connection): void {
  closing.add(connection);
  connection.close();
}

/** Ends a connection that did not complete its close. */
export function cut(connection: Connection): void {
  connection.close(true);
  // A transport that is closing ignores that: it waits for one more poll, or for a close frame.
  (Reflect.get(connection.transport, 'shouldClose') as (() => void) | null | undefined)?.();
  lineOf(connection)?.terminate();
}

/**
 * For a connection that engine.io calls closed: calls `gone` when its close handshake has ended as
 * well, if this side has begun one, and says whether it ended in order.
 */
export function whenGone(connection: Connection, gone: (inOrder: boolean) => void): void {
  const line = lineOf(connection);
  if (!line || line.readyState === CLOSED || !closing.has(connection)) gone(true);
  else line.once('close', (code) => gone(code !== ABNORMAL));
}

/** Undefined for a connection over long polling. */
const lineOf = ({ transport }: Connection): Line | undefined =>
  Reflect.get(transport, 'socket') as Line | undefined;

/**
 * Resolves when all that was emitted has been written: engine.io takes for sent what a WebSocket has
 * been handed. Over long polling its own close waits for that.
 */
export function written(connection: Connection): Promise<void> {
  if (!lineOf(connection)) return Promise.resolve();
  const { transport } = connection;
  const isWritten = (): boolean =>
    transport.writable && (Reflect.get(connection, 'writeBuffer') as unknown[]).length === 0;
  return new Promise((resolve) => {
    const look = (): void => {
      if (connection.readyState === 'open' && !isWritten()) return;
      transport.off('ready', look);
      connection.off('close', look);
      resolve();
    };
    transport.on('ready', look);
    connection.on('close', look);
    look();
  });
}
