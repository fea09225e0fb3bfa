import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { resolve } from 'node:path';
import type { Config } from '../config/load.ts';
import { showAddress } from '../sockets/address.ts';
import type { Listener } from '../sockets/bind.ts';
import type { Shares } from './shares.ts';

/** What the workers of one generation are made from: the configuration as it was read for them. */
export interface Launch {
  readonly generation: number;
  readonly config: Config;
  readonly listeners: readonly Listener[];
}

const FIRST_FD_FOREIGN = 3;
const FIRST_FD_NODE = 4;

/**
 * Starts one worker. It leads a process group of its own, so that a Ctrl-C in the terminal reaches
 * the supervisor alone, and the supervisor decides.
 */
export function launch(from: Launch, name: string, shares: Shares, id: number): ChildProcess {
  return from.config.command === undefined
    ? launchNode(from, name, shares, id)
    : launchForeign(from, name);
}

/** A Node entry that uses the library: readiness and counts come over IPC. */
function launchNode(
  { config, listeners }: Launch,
  name: string,
  shares: Shares,
  id: number,
): ChildProcess {
  const sockets = listeners.map(({ address }, i) => ({ fd: FIRST_FD_NODE + i, ...address }));
  const fds = [...listeners.map(({ fd }) => fd), shares.fd];
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'ipc', ...fds];
  const entry = resolve(config.dir, config.app!);
  // Port 0: should the worker hang, its inspector is opened on a port that nobody else has.
  const args = [...process.execArgv, '--inspect-port=127.0.0.1:0', entry];
  return spawn(process.execPath, args, {
    cwd: config.dir,
    detached: true,
    stdio,
    env: {
      ...workerEnv(config, listeners),
      LASTCALL_WORKER: name,
      LASTCALL_SOCKETS: JSON.stringify(sockets),
      LASTCALL_SHARES: shares.describe(FIRST_FD_NODE + listeners.length, id),
    },
  });
}

/**
 * Any other program, by the LISTEN_FDS protocol: the sockets are the descriptors from 3 on.
 * LISTEN_PID must be the program's own pid, which only a shell that becomes the program can say.
 */
function launchForeign({ config, listeners }: Launch, name: string): ChildProcess {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...listeners.map(({ fd }) => fd)];
  const script = 'LISTEN_PID=$$ exec "$@"';
  return spawn('/bin/sh', ['-c', script, 'sh', ...config.command!], {
    cwd: config.dir,
    detached: true,
    stdio,
    env: {
      ...workerEnv(config, listeners),
      LASTCALL_WORKER_NAME: name,
      LISTEN_FDS: String(listeners.length),
      LISTEN_FDNAMES: listeners.map((_, i) => `lastcall${FIRST_FD_FOREIGN + i}`).join(':'),
    },
  });
}

/** The supervisor's own environment, without what is meant for the supervisor alone. */
function workerEnv(config: Config, listeners: readonly Listener[]): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...config.env };
  for (const name of OWN) delete env[name];
  const tcp = listeners.map(({ address }) => address).find((address) => 'port' in address);
  if (tcp) {
    env.PORT = String(tcp.port);
    env.HOST = tcp.host;
  }
  env.LASTCALL_ADDRESSES = listeners.map(({ address }) => showAddress(address)).join(',');
  if (config.graceMs !== undefined) env.GRACEFUL_SHUTDOWN_TIMEOUT = String(config.graceMs / 1_000);
  if (config.operatorToken !== undefined) env.LASTCALL_OPERATOR_TOKEN = config.operatorToken;
  return env;
}

const OWN = [
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LASTCALL_UPGRADE',
  'LASTCALL_DAEMON',
];
