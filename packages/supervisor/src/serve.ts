import { loadConfig, type Config, type Sources } from './config/load.ts';
import { expectTarget } from './config/target.ts';
import { SupervisorError } from './errors.ts';
import { House } from './house.ts';
import { LogSink } from './log/sink.ts';
import type { MakePage } from './node/view.ts';
import { Listeners } from './sockets/listeners.ts';
import { Supervisor } from './supervisor.ts';
import { daemonize, isDaemon, tellStarter } from './system/daemon.ts';
import { becomeInit, tellInitCode } from './system/init.ts';
import { inheritance, isSuccessor, OlderSupervisor } from './upgrade/successor.ts';
import { dirname, join, resolve } from 'node:path';

/** A daemon's log, unless it is told another: nodes that share a folder have control sockets of their own. */
const daemonLog = ({ control }: Config): string => join(dirname(control), 'lastcall.log');

/**
 * Runs a node until it has stopped; resolves with the exit code. Throws `SupervisorError` when it
 * cannot begin: bad configuration, a missing entry, a port in use, another supervisor running.
 */
export async function serve(sources: Sources, makePage?: MakePage): Promise<number> {
  becomeInit();
  try {
    const config = readConfig(sources);
    if (config.daemon && !isDaemon() && !isSuccessor())
      return await daemonize(resolve(config.dir, config.logFile ?? daemonLog(config)));
    const code = await run(config, sources, makePage);
    tellInitCode(code);
    return code;
  } catch (error) {
    if (error instanceof SupervisorError) {
      tellInitCode(error.exitCode);
      tellStarter({ exitCode: error.exitCode, message: error.message });
    }
    throw error;
  }
}

async function run(config: Config, sources: Sources, makePage?: MakePage): Promise<number> {
  const left = inheritance();
  const listeners = new Listeners();
  if (left) {
    listeners.adopt(left.sockets);
    listeners.activated = left.activated;
  } else adoptFromSystemd(listeners);
  const supervisor = new Supervisor({
    config,
    readConfig: () => readConfig(sources),
    log: openLog(config),
    listeners,
    ...(left ? { inherited: left } : {}),
  });
  const older = left ? new OlderSupervisor(supervisor) : undefined;
  const house = new House(supervisor, config, makePage);
  if (!older) await house.expectFree();
  supervisor.start();
  try {
    await house.open(older);
  } catch (error) {
    const exitCode = error instanceof SupervisorError ? error.exitCode : 1;
    const { message } = error as Error;
    older?.failed(message);
    // The workers of a successor have taken work by then.
    supervisor.stop(older ? 'graceful' : 'quick', message, exitCode);
    // What has been opened by then would keep the process.
    await house.close();
    throw error;
  }
  const code = await house.close();
  return code;
}

function readConfig(sources: Sources): Config {
  const config = loadConfig(sources);
  expectTarget(config);
  return config;
}

/** Socket activation: the sockets are meant for the process that LISTEN_PID names. */
function adoptFromSystemd(listeners: Listeners): void {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  if (Number(LISTEN_PID) !== process.pid || !(Number(LISTEN_FDS) > 0)) return;
  listeners.adopt(Array.from({ length: Number(LISTEN_FDS) }, () => ({})));
  listeners.activated = true;
}

function openLog(config: Config): LogSink {
  const file = config.logFile ?? (isDaemon() ? daemonLog(config) : undefined);
  if (file === undefined) return new LogSink();
  const path = resolve(config.dir, file);
  try {
    return new LogSink(path);
  } catch (error) {
    throw new SupervisorError(
      'ERR_SUPERVISOR_CONFIG',
      `logFile: cannot open ${path}: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}
