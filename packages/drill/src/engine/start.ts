// Starts a server as drill.yaml says, and waits until it serves.
import { DrillError } from '../case.ts';
import { type PortName, portNames } from '../config/needs.ts';
import type { DrillConfig } from '../config/schema.ts';
import { Account } from './account.ts';
import { late, nowMs, sleep, within } from './clock.ts';
import { ConnectError, Connection } from './connection.ts';
import { freePort, isListening, listeningPorts, showsSockets } from './ports.ts';
import { commandOf } from './processes.ts';
import { Target } from './target.ts';
import { Timeline } from './timeline.ts';

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A program that starts the command, such as unshare. */
  readonly wrap?: readonly string[];
  /** Ports of an earlier start, to start again on the same ones. */
  readonly ports?: Readonly<Record<string, number>>;
  /** False: do not wait until it is ready. */
  readonly wait?: boolean;
  /** A folder for the target's own files; `{temp}` in the command and the environment. */
  readonly temp: string;
}

export async function start(
  config: DrillConfig,
  options: StartOptions,
  timeline: Timeline,
): Promise<Target> {
  for (let attempt = 1; ; attempt += 1) {
    const { ports, env } = await choosePorts(config, options);
    const fill = (text: string): string =>
      text.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
        name === 'temp' ? options.temp : String(ports[name] ?? whole),
      );
    const fields = Object.entries({ ...config.env, ...options.env });
    const target = new Target(
      {
        command: [...(options.wrap ?? []), ...config.command.map(fill)],
        cwd: config.cwd ?? '.',
        env: { ...env, ...Object.fromEntries(fields.map(([name, text]) => [name, fill(text)])) },
        host: config.host,
        ports,
        stopSignal: config.stopSignal,
      },
      timeline,
    );
    if (options.wait === false) return target;
    try {
      await waitUntilReady(target, config);
      timeline.mark('ready', 'serving');
      return target;
    } catch (error) {
      await target.destroy();
      // Between choosing a free port and the server's own bind another program may take it.
      const taken = takenWords.test(target.output.text) && options.ports === undefined;
      if (!taken || attempt === 3 || !portsAreFree(config)) throw error;
    }
  }
}

/** As Node.js says it, and as strerror(3) does. */
const takenWords = /EADDRINUSE|address already in use/i;

function portsAreFree(config: DrillConfig): boolean {
  return Object.values(config.ports).every((port) => typeof port !== 'number');
}

async function choosePorts(config: DrillConfig, options: StartOptions) {
  const ports: Record<string, number> = {};
  const env: Record<string, string> = {};
  for (const name of portNames) {
    const how = config.ports[name] ?? (name === 'http' ? 'PORT' : undefined);
    if (how === undefined) continue;
    if (typeof how === 'number') {
      await refuseTaken(name, how, config.host, options);
      ports[name] = how;
    } else {
      // Who serves several protocols on one port names its variable for each of them.
      env[how] ??= String(options.ports?.[name] ?? (await freePort(config.host)));
      ports[name] = Number(env[how]);
    }
  }
  return { ports, env };
}

/** Attacking whatever else listens there would be wrong in both directions. */
async function refuseTaken(
  name: PortName,
  port: number,
  host: string,
  options: StartOptions,
): Promise<void> {
  if (options.ports !== undefined) return;
  const other = await Connection.open({ host, port }, new Account(), new Timeline()).catch(
    () => undefined,
  );
  if (other === undefined) return;
  other.destroy();
  throw new DrillError(
    'PORT_IN_USE',
    `ports.${name}: port ${port} on ${host} is already in use by another program. ` +
      'Stop it, or give the name of the environment variable from which your server reads its port.',
  );
}

async function waitUntilReady(target: Target, config: DrillConfig): Promise<void> {
  const endMs = nowMs() + config.readyWithin;
  let last = 'nothing listens';
  while (nowMs() < endMs) {
    const answer = await Promise.race([ask(target, config), target.exited.then(() => 'it exited')]);
    if (target.exit !== undefined) {
      await within(target.drained, 500);
      throw new DrillError(
        'EXITED_EARLY',
        `command: "${target.launch.command.join(' ')}" exited with ` +
          `${target.exit.signal ?? `code ${target.exit.code}`} before it was ready. ` +
          `${inBackground(target)}Its last output:\n${target.output.lastLines(10) || '(none)'}`,
      );
    }
    if (answer === true && isItsOwn(target)) return;
    last = answer === true ? 'another program answers on its port' : answer;
    await sleep(15);
  }
  throw new DrillError(
    'NEVER_READY',
    `command: "${target.launch.command.join(' ')}" was not ready on ${target.launch.host}:` +
      `${target.launch.ports['http']} within ${config.readyWithin} ms (${last}). ` +
      'Check `ports`, `routes.ready` and `readyWithin`. Its last output:\n' +
      (target.output.lastLines(10) || '(none)'),
  );
}

/** A daemon cannot be watched: the drill needs the process that is to be stopped. */
function inBackground(target: Target): string {
  const left = target.processes();
  return left.length === 0
    ? ''
    : `It left ${left.length === 1 ? 'a process' : `${left.length} processes`} running ` +
        `("${commandOf(left[0] ?? 0)}"), which the drill has ended: start the server in the foreground ` +
        '(nginx: `daemon off;`, gunicorn: without --daemon, a shell script: `exec`, without `&`). ';
}

/** False when it is another program that answered: it took the port before the server could. */
function isItsOwn(target: Target): boolean {
  const port = target.launch.ports['http'] ?? 0;
  const pids = target.processes();
  // Where the machine does not say whose a socket is, the answer has to do.
  const known = pids.includes(target.pid) && pids.every(showsSockets);
  if (isListening(port) !== true || !known) return true;
  return listeningPorts(pids).includes(port);
}

const askMs = 1000;

/** True when it serves, else what is amiss. */
async function ask(target: Target, config: DrillConfig): Promise<true | string> {
  const { host, ports } = target.launch;
  try {
    const connection = await Connection.open(
      { host, port: ports['http'] ?? 0, withinMs: askMs },
      new Account(),
      new Timeline(),
    );
    try {
      const route = config.routes.ready ?? config.routes.fast;
      if (route === undefined) return true;
      const method = route.method || 'GET';
      const exchange = connection.send({
        method,
        path: route.path,
        headers: { connection: 'close' },
      });
      const done = await within(exchange.done, askMs);
      if (done === late) return `${method} ${route.path} is not answered`;
      if (done.status >= 200 && done.status < 300) return true;
      return `${method} ${route.path}: ${done.reason}`;
    } finally {
      connection.destroy();
    }
  } catch (error) {
    return error instanceof ConnectError ? `connect: ${error.code}` : String(error);
  }
}
