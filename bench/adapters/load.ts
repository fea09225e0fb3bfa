import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { findProgram } from '../../scripts/programs.ts';
import { GRPC_PATH } from './protocols.ts';

const run = promisify(execFile);
const CLIENTS = 32;

/** Asks a port for so many milliseconds, in whole seconds, and tells how many answers there were. */
export type Load = (port: number, ms: number) => Promise<number>;

/** What loads the servers of each row: h2load where it speaks the protocol, else clients here. */
export function loadFor(framework: string): Load {
  if (framework === 'http2') return (port, ms) => h2load(port, ms, '/', OVER_HTTP2);
  if (framework === 'grpc') return grpcLoad;
  if (framework === 'ws') return echoes(overWebSocket);
  if (framework === 'socket.io') return echoes(overSocketIo);
  if (framework === 'net') return echoes(overTcp);
  return (port, ms) => h2load(port, ms, '/', ['--h1', `-c${CLIENTS}`]);
}

/** 8 connections with 4 streams each. */
const OVER_HTTP2 = ['-c8', '-m4'];

async function h2load(
  port: number,
  ms: number,
  path: string,
  how: readonly string[],
): ReturnType<Load> {
  const args = ['-t1', '-D', `${ms / 1_000}s`, ...how, `http://127.0.0.1:${port}${path}`];
  const { stdout } = await run(program('h2load', 'nghttp2-client'), args);
  const [, answers] = /status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx/.exec(stdout) ?? [];
  if (!answers || !stdout.includes(' 0 errored')) throw new Error(stdout);
  return Number(answers);
}

const grpcLoad: Load = async (port, ms) => {
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-bench-'));
  try {
    const body = join(folder, 'hello');
    // One uncompressed message: a flag, its length in four bytes, and itself.
    writeFileSync(body, Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), Buffer.from('hello')]));
    const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
    return await h2load(port, ms, GRPC_PATH, [...OVER_HTTP2, ...headers, '-d', body]);
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
  async (port, ms) => {
    let answers = 0;
    const talks = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const talk: Talk = await dial(port, () => {
          answers += 1;
          talk.ask();
        });
        return talk;
      }),
    );
    for (const talk of talks) talk.ask();
    await sleep(ms);
    const answered = answers;
    for (const talk of talks) talk.close();
    return answered;
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
