import { SupervisorError } from '../errors.ts';
import { nodeSnapshot } from '../node/view.ts';
import type { Supervisor } from '../supervisor.ts';
import type { ControlRequest } from './protocol.ts';
import type { Reply } from './server.ts';
import { nodeStatus, workersStatus } from './status.ts';

export interface VerbContext {
  supervisor: Supervisor;
  upgrade: () => Promise<{ ok: boolean; message: string }>;
}

const STOPS_SHOWN = 5;
/** How many bytes of the log are kept for one who follows it and does not read. */
const BEHIND_MAX = 4 * 1024 * 1024;

type Verb = (
  context: VerbContext,
  args: Record<string, unknown>,
  reply: Reply,
  closed: Promise<void>,
) => Promise<unknown>;

/** What the control socket can be asked for. */
const VERBS: Record<string, Verb> = {
  status: ({ supervisor }) => nodeStatus(supervisor),
  workers: async ({ supervisor }) => workersStatus(supervisor),

  /** What the console shows, with the last stops. */
  async snapshot({ supervisor }) {
    const snapshot = await nodeSnapshot(supervisor, true);
    return { ...snapshot, stops: supervisor.stopBook.stops.slice(-STOPS_SHOWN) };
  },

  async reload({ supervisor }) {
    if (supervisor.node.draining)
      throw failed(
        'The node drains, so no new worker is started. Resume it first (lastcall resume).',
      );
    const result = await inLoop(supervisor, () => supervisor.reload('lastcall reload'));
    if (!result.ok) throw failed(`Reload failed, the old workers stay: ${result.message}`);
    return result;
  },

  async upgrade({ upgrade }) {
    const result = await upgrade();
    if (!result.ok) throw failed(`Upgrade failed, this supervisor stays: ${result.message}`);
    return result;
  },

  drain: ({ supervisor }) => supervisor.doors.begin('drain', 'lastcall drain'),

  async resume({ supervisor }) {
    const resumed = await supervisor.doors.resume();
    return {
      resumed,
      message: resumed ? 'The node takes work again' : 'There was no drain to undo',
    };
  },

  async stop({ supervisor }, { quick }) {
    const mode = quick === true ? 'quick' : 'graceful';
    supervisor.post(() => supervisor.stop(mode, 'lastcall stop', mode === 'quick' ? 4 : 0));
    const { code } = await supervisor.done;
    return { exit_code: code };
  },

  async scale({ supervisor }, { workers }) {
    if (!Number.isInteger(workers) || Number(workers) < 1 || Number(workers) > 1_024)
      throw new SupervisorError(
        'ERR_SUPERVISOR_CONFIG',
        `scale: expected a whole number from 1 to 1024, got ${JSON.stringify(workers)}.`,
      );
    await inLoop(supervisor, async () => supervisor.scale(Number(workers)));
    return { workers_wanted: supervisor.node.target };
  },

  async logs({ supervisor }, { lines, follow }, reply, closed) {
    let waiting = 0;
    for (const line of supervisor.log.recent(Number(lines ?? 100)))
      waiting = reply({ line: line.toString() });
    if (follow !== true) return null;
    const most = waiting + BEHIND_MAX;
    const behind = Promise.withResolvers<void>();
    const stop = supervisor.log.follow((line) => {
      waiting = reply({ line: line.toString() });
      if (waiting > most) behind.resolve();
    });
    await Promise.race([closed, supervisor.done, behind.promise]);
    stop();
    if (waiting > most)
      throw failed('The log was not read for too long; what came since is missing.');
    return null;
  },
};

export async function runVerb(
  context: VerbContext,
  { verb, args }: ControlRequest,
  reply: Reply,
  closed: Promise<void>,
): Promise<unknown> {
  const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (!run)
    throw new SupervisorError(
      'ERR_SUPERVISOR_CONFIG',
      `There is no command ${verb}. Commands are: ${Object.keys(VERBS).join(', ')}.`,
    );
  return run(context, args, reply, closed);
}

/** Commands act in the one loop, like everything else; it does nothing more once the node has ended. */
function inLoop<T>(supervisor: Supervisor, act: () => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  supervisor.post(() => {
    act().then(resolve, reject);
  });
  void supervisor.done.then(() => reject(failed('The node has stopped.')));
  return promise;
}

const failed = (message: string): SupervisorError =>
  new SupervisorError('ERR_SUPERVISOR_CONTROL', message);
