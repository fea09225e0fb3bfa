import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { SupervisorError } from '../errors.ts';
import { isSuccessor } from '../upgrade/successor.ts';

const MARK = 'LASTCALL_DAEMON';

/** Whether this process is the one that goes on in the background. */
export const isDaemon = (): boolean => process.env[MARK] !== undefined;

interface DaemonResult {
  /** Absent: the daemon runs. */
  exitCode?: number;
  message?: string;
}

/**
 * Starts this same command again in a session of its own and waits until its workers are ready.
 * Returns the exit code of the command: 0 when the daemon runs, else what the daemon ended with.
 */
export async function daemonize(logPath: string): Promise<number> {
  const log = openLog(logPath);
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  });
  closeSync(log);
  const result = await new Promise<DaemonResult>((resolve) => {
    child.once('message', (message) => resolve(message as DaemonResult));
    child.once('exit', (code) => resolve({ exitCode: code ?? 1 }));
    child.once('error', (error) => resolve({ exitCode: 1, message: error.message }));
  });
  if (result.exitCode === undefined) {
    process.stdout.write(
      `lastcall: serving in the background (pid ${child.pid}), log: ${logPath}\n`,
    );
    child.disconnect();
    child.unref();
    return 0;
  }
  const why = result.message ?? `see ${logPath}`;
  throw Object.assign(
    new SupervisorError(
      'ERR_SUPERVISOR_BOOT',
      `The daemon did not start (exit code ${result.exitCode}): ${why}`,
    ),
    { exitCode: result.exitCode },
  );
}

function openLog(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a', 0o644);
  } catch (error) {
    throw new SupervisorError(
      'ERR_SUPERVISOR_CONFIG',
      `logFile: cannot open ${path}: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

/**
 * Tells the command that started the daemon how it went; it then returns to its shell. A successor
 * was started by no command: its channel is that to the older supervisor.
 */
export function tellStarter(result: DaemonResult): void {
  if (!isDaemon() || isSuccessor() || !process.connected) return;
  process.send?.(result, () => {
    if (process.connected) process.disconnect?.();
  });
}
