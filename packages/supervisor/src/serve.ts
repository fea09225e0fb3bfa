import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { loadConfig, type Config, type Sources } from './config/load.ts';
import { ControlServer } from './control/server.ts';
import { runVerb } from './control/verbs.ts';
import { SupervisorError } from './errors.ts';
import { LogSink } from './log/sink.ts';
import { takeSignals } from './signals.ts';
import { showAddress } from './sockets/address.ts';
import { Listeners } from './sockets/listeners.ts';
import { Supervisor } from './supervisor.ts';

/**
 * Runs a node until it has stopped; resolves with the exit code. Throws `SupervisorError` when it
 * cannot begin: bad configuration, a missing entry, a port in use, another supervisor running.
 */
export async function serve(sources: Sources): Promise<number> {
  const config = loadConfig(sources);
  expectTarget(config);
  const controlPath = resolve(config.dir, config.control);
  await ControlServer.expectFree(controlPath);
  const log = openLog(config);
  const supervisor = new Supervisor({
    config,
    readConfig: () => {
      const fresh = loadConfig(sources);
      expectTarget(fresh);
      return fresh;
    },
    log,
    listeners: new Listeners(),
  });
  supervisor.start();
  const upgrade = async (): Promise<{ ok: boolean; message: string }> => ({
    ok: false,
    message: 'not yet',
  });
  const control = new ControlServer(controlPath, (request, reply, closed) =>
    runVerb({ supervisor, upgrade }, request, reply, closed),
  );
  const release = takeSignals(supervisor, () => void upgrade());
  await control.listen();
  void supervisor.ready.then(() => {
    const where = supervisor.addresses().map(({ address }) => showAddress(address));
    supervisor.say(
      `ready: ${supervisor.node.target} workers on ${where.join(', ')} (pid ${process.pid})`,
    );
  });
  const { code, reason } = await supervisor.done;
  supervisor.say(`has stopped: ${reason} (exit code ${code})`);
  release();
  await control.close();
  await log.end();
  return code;
}

function openLog(config: Config): LogSink {
  if (config.logFile === undefined) return new LogSink();
  const path = resolve(config.dir, config.logFile);
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

/** Throws when the entry or the program does not exist; what is wrong inside it shows when it starts. */
function expectTarget({ app, command, dir }: Config): void {
  if (app !== undefined) {
    const path = resolve(dir, app);
    if (!existsSync(path))
      throw new SupervisorError(
        'ERR_SUPERVISOR_ENTRY',
        `The entry ${app} does not exist (looked for ${path}).`,
      );
    return;
  }
  const program = command?.[0] ?? '';
  const places = program.includes('/')
    ? [resolve(dir, program)]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  if (!places.some((place) => existsSync(place)))
    throw new SupervisorError(
      'ERR_SUPERVISOR_ENTRY',
      `The program ${program} was not found${program.includes('/') ? '' : ' on the PATH'}.`,
    );
}
