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

/** Loads a port for some seconds and tells how much was answered, and in what time. */
export type Load = (port: number, seconds: number) => Promise<{ answers: number; ms: number }>;

/** What loads the servers of each row: wrk where it speaks the protocol, h2load, or clients here. */
export function loadFor(framework: string): Load {
  if (framework === 'http2') return (port, seconds) => h2load(port, seconds, '/', []);
  if (framework === 'grpc') return grpcLoad;
  if (framework === 'ws') return echoes(overWebSocket);
  if (framework === 'socket.io') return echoes(overSocketIo);
  if (framework === 'net') return echoes(overTcp);
  return wrk;
}

const wrk: Load = async (port, seconds) => {
  const args = ['-t1', `-c${CLIENTS}`, `-d${seconds}s`, `http://127.0.0.1:${port}/`];
  const { stdout } = await run(program('wrk', 'wrk'), args);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  const answers = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  return { answers, ms: (answers / Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])) * 1_000 };
};

/** 8 connections with 4 streams each. */
async function h2load(
  port: number,
  seconds: number,
  path: string,
  extra: readonly string[],
): ReturnType<Load> {
  const url = `http://127.0.0.1:${port}${path}`;
  const args = ['-t1', '-c8', '-m4', `--duration=${seconds}`, ...extra, url];
  const { stdout } = await run(program('h2load', 'nghttp2-client'), args);
  const [, answers, wrong] =
    /status codes: (\d+) 2xx, (\d+ 3xx, \d+ 4xx, \d+) 5xx/.exec(stdout) ?? [];
  if (wrong !== '0 3xx, 0 4xx, 0') throw new Error(stdout);
  return { answers: Number(answers), ms: seconds * 1_000 };
}

const grpcLoad: Load = async (port, seconds) => {
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-bench-'));
  try {
    const body = join(folder, 'hello');
    // One uncompressed message: a flag, its length in four bytes, and itself.
    writeFileSync(body, Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), Buffer.from('hello')]));
    const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
    return await h2load(port, seconds, GRPC_PATH, [...headers, '-d', body]);
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
  async (port, seconds) => {
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
    const startMs = performance.now();
    for (const talk of talks) talk.ask();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const done = { answers, ms: performance.now() - startMs };
    for (const talk of talks) talk.close();
    return done;
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
