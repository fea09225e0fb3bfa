import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { findProgram } from '../../scripts/programs.ts';
import { GRPC_PATH } from './protocols.ts';

const run = promisify(execFile);
const CLIENTS = 32;

/** Asks a port so many times and tells how long that took, in milliseconds. */
export type Load = (port: number, asks: number) => Promise<number>;

/** What loads the servers of each row: h2load where it speaks the protocol, else clients here. */
export function loadFor(framework: string): Load {
  if (framework === 'http2') return (port, asks) => h2load(port, asks, '/', OVER_HTTP2);
  if (framework === 'grpc') return grpcLoad;
  if (framework === 'ws') return echoes(overWebSocket);
  if (framework === 'socket.io') return echoes(overSocketIo);
  if (framework === 'net') return echoes(overTcp);
  return (port, asks) => h2load(port, asks, '/', ['--h1', `-c${CLIENTS}`]);
}

/** 8 connections with 4 streams each. */
const OVER_HTTP2 = ['-c8', '-m4'];

async function h2load(
  port: number,
  asks: number,
  path: string,
  how: readonly string[],
): ReturnType<Load> {
  const args = ['-t1', `-n${asks}`, ...how, `http://127.0.0.1:${port}${path}`];
  const { stdout } = await run(program('h2load', 'nghttp2-client'), args);
  const [, took, unit] = /finished in ([\d.]+)(ms|s)/.exec(stdout) ?? [];
  if (!stdout.includes(`status codes: ${asks} 2xx`)) throw new Error(stdout);
  return Number(took) * (unit === 's' ? 1_000 : 1);
}

const grpcLoad: Load = async (port, asks) => {
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-bench-'));
  try {
    const body = join(folder, 'hello');
    // One uncompressed message: a flag, its length in four bytes, and itself.
    writeFileSync(body, Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), Buffer.from('hello')]));
    const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
    return await h2load(port, asks, GRPC_PATH, [...OVER_HTTP2, ...headers, '-d', body]);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** A connection on which each answer calls `answered`, and the next question is asked. */
interface Talk {
  ask(): void;
  close(): void;
}
type Dial = (port: number, answered: () => void) => Promise<Talk>;

/** Each of 32 connections asks again when it has its answer. */
const echoes =
  (dial: Dial): Load =>
  async (port, asks) => {
    const done = Promise.withResolvers<void>();
    let answers = 0;
    const talks = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const talk: Talk = await dial(port, () => {
          answers += 1;
          if (answers < asks) talk.ask();
          else done.resolve();
        });
        return talk;
      }),
    );
    const startMs = performance.now();
    for (const talk of talks) talk.ask();
    await done.promise;
    const ms = performance.now() - startMs;
    for (const talk of talks) talk.close();
    return ms;
  };

const overWebSocket: Dial = (port, answered) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    socket.on('message', answered).once('error', reject);
    const talk = { ask: () => socket.send('hello'), close: () => socket.terminate() };
    socket.once('open', () => resolve(talk));
  });

const overSocketIo: Dial = (port, answered) =>
  new Promise((resolve, reject) => {
    const socket = io(`http://127.0.0.1:${port}/`, { transports: ['websocket'], forceNew: true });
    socket.once('connect_error', reject);
    const talk = { ask: () => void socket.emit('hello', answered), close: () => socket.close() };
    socket.once('connect', () => resolve(talk));
  });

const overTcp: Dial = (port, answered) =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').setNoDelay();
    socket.on('data', answered).once('error', reject);
    const talk = { ask: () => void socket.write('hello'), close: () => void socket.destroy() };
    socket.once('connect', () => resolve(talk));
  });

function program(name: string, debian: string): string {
  const path = findProgram(name);
  if (!path) throw new Error(`${name} is needed: apt-get install ${debian}`);
  return path;
}
