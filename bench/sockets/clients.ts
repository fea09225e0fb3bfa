import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';

export interface Ends {
  told: number;
  /** Closed with 1012, or with a whole last chunk. */
  inOrder: number;
  abnormal: number;
}

export interface Gone {
  /** Resolves when every connection has ended. */
  readonly gone: Promise<void>;
}

export interface Crowd extends Gone {
  readonly ends: Ends;
}

const BATCH = 100;

/** Opens `count` connections, a hundred at a time. */
async function open(count: number, one: (ended: () => void) => Promise<unknown>): Promise<Gone> {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  let left = count;
  const ended = (): void => {
    left -= 1;
    if (left === 0) resolve();
  };
  for (let opened = 0; opened < count; opened += BATCH)
    await Promise.all(Array.from({ length: Math.min(BATCH, count - opened) }, () => one(ended)));
  return { gone };
}

export async function openWebSockets(port: number, count: number): Promise<Crowd> {
  const ends: Ends = { told: 0, inOrder: 0, abnormal: 0 };
  const { gone } = await open(count, async (ended) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    socket.on('error', () => {});
    socket.once('message', () => (ends.told += 1));
    socket.once('close', (code) => {
      if (code === 1012) ends.inOrder += 1;
      else ends.abnormal += 1;
      ended();
    });
    await once(socket, 'open');
  });
  return { ends, gone };
}

export async function openStreams(port: number, count: number): Promise<Crowd> {
  const ends: Ends = { told: 0, inOrder: 0, abnormal: 0 };
  const { gone } = await open(count, async (ended) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => {});
    socket.once('close', () => {
      if (text.includes('retry: ')) ends.told += 1;
      if (text.endsWith('0\r\n\r\n')) ends.inOrder += 1;
      else ends.abnormal += 1;
      ended();
    });
    socket.write('GET /feed HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
  });
  return { ends, gone };
}
