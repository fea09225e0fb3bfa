import { spawn } from 'node:child_process';
import { EdgeError } from '../errors.ts';
import type { Proxy, ServerState } from '../proxy/driver.ts';
import { lives } from '../proxy/processes.ts';
import { until } from '../proxy/wait.ts';
import { readExitRecord } from './exit-record.ts';
import { isReady } from './health.ts';
import type { Inventory, NodeEntry } from './inventory.ts';
import type { Entry, Journal } from './journal.ts';
import { type Exit, type Manager, managerOf } from './manager.ts';
import type { Action } from './plan.ts';
import { goneBy, stillGone } from './takeover.ts';

/** What the steps work with. */
interface Bench {
  readonly inventory: Inventory;
  readonly proxy: Proxy;
  readonly journal: Journal;
  stateOf(server: string): Promise<ServerState>;
  takeOut(server: string): Promise<void>;
}

/** One plan that is being carried out. */
export interface Job {
  node: NodeEntry;
  entry: Entry;
  /** What was recorded of the node before. */
  before: Entry | undefined;
  /** It goes on where another controller was cut off. */
  continuing: boolean;
  manager: Manager | undefined;
  exit: Exit | undefined;
  /** How the command that starts the node has ended; undefined while it runs. */
  started: number | undefined;
}

/** What each step does; the answer is what is printed when it is done. */
export const ACTIONS: Record<Action, (desk: Bench, job: Job) => Promise<string>> = {
  async take_out(desk, { node, entry, continuing }) {
    if (entry.takenOver !== undefined) {
      // The watch may have died between its mark and the reload; to repeat it does no harm.
      await desk.takeOut(entry.server);
      return 'skipped: node watch had marked it down already; from now on this drain holds it';
    }
    // A node that nobody can stop is not taken out: this throws. One that goes on may have stopped it.
    if (!continuing || (await goneBy(desk.inventory, node, entry.told)) === undefined)
      await managerOf(node, entry.told).check();
    await desk.takeOut(entry.server);
    return 'new work goes to the others';
  },
  async settle({ proxy, inventory }, { node, entry }) {
    const gone = await stillGone(inventory, node, entry);
    if (gone !== undefined) return `skipped: nothing can be on its way any more, ${gone}`;
    const settled = await proxy.settle(entry.server, inventory.settle);
    return settled
      ? 'nothing is on its way any more'
      : 'some work still runs; the node finishes it';
  },
  async stop(desk, job) {
    const gone = await stillGone(desk.inventory, job.node, job.entry);
    if (gone !== undefined) return `skipped: there is nothing to stop, ${gone}`;
    await stillOut(desk, job.entry);
    // A second signal would cut off what the first one lets it finish.
    const { told } = job.entry;
    if (job.continuing && told && lives(told) && !(await isReady(desk.inventory, job.node)))
      return 'told before: it is not ready any more';
    try {
      await tell(desk, job);
    } catch (error) {
      // The controller before may have told it, and died before it could write that down.
      if (!job.continuing) throw error;
      return `not told now: ${(error as Error).message}`;
    }
    return 'told';
  },
  async await_exit(desk, job) {
    const { entry, node } = job;
    if (entry.takenOver === 'gone') return 'skipped: it had ended before this drain';
    const manager = job.manager ?? managerOf(node, entry.told);
    job.manager = manager;
    const { target } = manager;
    // Started again since another was told, or never told: nobody is forced without that.
    if (target && (target.pid !== entry.told?.pid || target.birth !== entry.told.birth)) {
      await stillOut(desk, entry);
      await tell(desk, job);
    }
    const { grace, force, margin } = desk.inventory;
    job.exit = await job.manager.exited(grace + force + margin);
    if (job.exit) return job.exit.told;
    await job.manager.force();
    job.exit = await job.manager.exited(margin);
    throw new EdgeError(
      'ERR_EDGE_NODE',
      `${job.node.server} did not end within ${(grace + force + margin) / 1_000} s and was forced${job.exit ? '' : ', without effect'}. What it held is lost unless it was handed over.`,
    );
  },
  async verify(_desk, { node, entry, exit }) {
    if (entry.takenOver === 'gone') return 'skipped: it ended before this drain; its log tells how';
    const record = readExitRecord(node.log, entry.logFrom);
    const lost = record?.lost;
    const exitCode = record?.exitCode ?? exit?.exitCode;
    if ((lost ?? 0) > 0 || (exitCode !== undefined && exitCode !== 0))
      throw new EdgeError(
        'ERR_EDGE_NODE',
        `${node.server} has ended, but not clean: lost ${lost ?? 'not told'}, exit code ${exitCode ?? 'not told'}${record ? `. ${record.line}` : ''}`,
        { lost, exitCode },
      );
    if (lost === undefined && exitCode === undefined)
      return 'ended; no exit record (give the node a control socket, an admin endpoint or a log)';
    return `lost ${lost ?? '0 (by its exit code)'}, exit code ${exitCode ?? 'not told'}`;
  },
  async start({ inventory }, job) {
    const { node } = job;
    await letEnd(inventory, job);
    if (await isReady(inventory, node)) return 'it answers already';
    const child = spawn('/bin/sh', ['-c', node.start ?? ''], { stdio: 'ignore', detached: true });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    // A signal ends it with no code.
    child.once('exit', (code) => {
      job.started = code ?? 1;
    });
    child.unref();
    return 'started';
  },
  async await_ready({ inventory }, job) {
    const { node } = job;
    await letEnd(inventory, job);
    const { rise, path } = inventory.watch;
    let good = 0;
    const ready = await until(async () => {
      good = (await isReady(inventory, node)) ? good + 1 : 0;
      if (good === 0 && (job.started ?? 0) !== 0)
        throw new EdgeError(
          'ERR_EDGE_NODE',
          `${node.server} was not started: its command ended with code ${job.started}. It stays out of the upstream. Run the command by hand to see why: ${node.start}`,
          { server: node.server, exitCode: job.started },
        );
      return good >= rise;
    }, inventory.boot);
    if (ready) return 'ready';
    throw new EdgeError(
      'ERR_EDGE_NODE',
      `${node.server} was not ready (${path}) within ${inventory.boot / 1_000} s: it stays out of the upstream. See its log.`,
      { server: node.server },
    );
  },
  async put_back({ proxy, journal, inventory }, { entry }) {
    await journal.locked(() => proxy.putBack(entry.server));
    const serving = async (): Promise<boolean> =>
      (await proxy.servers()).some((state) => state.server === entry.server && state.inService);
    if (!(await until(serving, inventory.boot)))
      throw new EdgeError(
        'ERR_EDGE_PROXY',
        `${entry.server} was put back, but ${proxy.name} does not use it: its health check fails.`,
      );
    return 'in service';
  },
};

/** What serves is never stopped, whoever put it back in service meanwhile. */
async function stillOut(desk: Bench, { server }: Entry): Promise<void> {
  if ((await desk.stateOf(server)).takenOut) return;
  throw new EdgeError(
    'ERR_EDGE_PROXY',
    `${server} is in service again in ${desk.proxy.name}: somebody put it back while it was drained. It was not told to stop. To take it out again: lastcall node drain ${server} --continue`,
    { server },
  );
}

/** Who was told is written down before: whoever goes on waits for that process and forces no other. */
async function tell({ journal }: Bench, job: Job): Promise<void> {
  job.manager = managerOf(job.node, job.entry.told);
  await job.manager.stop((told) => {
    job.entry.told = told;
    journal.write(job.entry);
  });
}

/** A process that was told to stop may answer for a while: it is not put back, unless it takes that back. */
async function letEnd({ grace, force, margin }: Inventory, { node, entry }: Job): Promise<void> {
  const { told } = entry;
  if (!told || !lives(told)) return;
  const undone = await managerOf(node, told)
    .undo()
    .catch(() => false);
  if (undone) entry.told = undefined;
  else if (!(await until(() => !lives(told), grace + force + margin)))
    throw new EdgeError(
      'ERR_EDGE_NODE',
      `Process ${told.pid} of ${node.server} was told to stop and has not ended within ${(grace + force + margin) / 1_000} s: it stays out. End it, then: lastcall node undrain ${node.server}`,
      { server: node.server, pid: told.pid },
    );
}
