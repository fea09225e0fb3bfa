import { EdgeError } from '../errors.ts';
import { isChanged, type Proxy, type ServerState } from '../proxy/driver.ts';
import { Haproxy } from '../proxy/haproxy.ts';
import { Nginx } from '../proxy/nginx.ts';
import { lives, processFacts } from '../proxy/processes.ts';
import { ACTIONS, type Job } from './actions.ts';
import { sizeOf } from './exit-record.ts';
import { isReady } from './health.ts';
import { type Inventory, nodeOf, type NodeEntry } from './inventory.ts';
import { type Entry, Journal } from './journal.ts';
import { managerOf } from './manager.ts';
import { planDrain, planUndrain, type Step, stepsLeft } from './plan.ts';
import { leftOf, takenOverFrom } from './takeover.ts';

export interface DeskOptions {
  /** Take out even the last server in service. Default false. */
  force?: boolean;
  /** Told of each step as it begins and ends, in words. */
  progress?: (line: string) => void;
  /** Told of each step that has ended. */
  onStep?: (result: StepResult) => void;
}

/** How one step of a plan ended. */
export interface StepResult {
  server: string;
  verb: Entry['verb'];
  step: Step;
  ok: boolean;
  /** What came out, or why it failed. */
  told: string;
  ms: number;
}

/** The operator's desk: takes the nodes of one upstream out and puts them back, one step at a time. */
export class Desk {
  readonly inventory: Inventory;
  readonly proxy: Proxy;
  readonly journal: Journal;
  readonly #options: DeskOptions;

  constructor(inventory: Inventory, options: DeskOptions = {}) {
    this.inventory = inventory;
    this.#options = options;
    const { upstream, nginx, haproxy } = inventory;
    this.proxy = nginx ? new Nginx(upstream, nginx) : new Haproxy(upstream, haproxy!.socket);
    this.journal = new Journal(inventory.stateDir);
  }

  /**
   * Takes a node out, stops it and reads its exit record. `continuing` goes on where a crash ended it.
   * One that the watch has marked down is taken over: what is done already is skipped.
   */
  async drain(server: string, continuing = false): Promise<void> {
    const node = nodeOf(this.inventory, server);
    const job = await this.journal.locked(async () => {
      const before = this.#unfinished(server, continuing);
      const left = before && (await leftOf(this, node, before));
      // A node that a broken undrain has begun to put back may be drained again.
      const takenOver = left ? left.takenOver : await takenOverFrom(this, node);
      const done = (continuing ? left?.done : undefined) ?? [];
      return this.#begin(node, 'drain', before, { continuing, takenOver, done });
    });
    await this.#carryOut(planDrain(this.inventory, node), job);
  }

  /** Starts a node where the file says how, waits until it is ready and puts it back. */
  async undrain(server: string): Promise<void> {
    const node = nodeOf(this.inventory, server);
    const job = await this.journal.locked(async () => {
      const state = await this.stateOf(server);
      const before = this.#free(server);
      if (!state.takenOut && !before)
        throw new EdgeError(
          'ERR_EDGE_SERVER',
          `${server} is in service already. Nothing was changed.`,
        );
      return this.#begin(node, 'undrain', before);
    });
    await this.#carryOut(planUndrain(this.inventory, node), job);
    this.journal.forget(server);
  }

  /** Undoes a drain that has not gone too far; says how to go on when it has. */
  async rollback(server: string): Promise<void> {
    const node = nodeOf(this.inventory, server);
    const before = await this.journal.locked(() => {
      const entry = this.#free(server);
      if (entry?.verb !== 'drain')
        throw new EdgeError(
          'ERR_EDGE_JOURNAL',
          `No drain of ${server} is recorded: there is nothing to roll back.`,
        );
      this.#begin(node, 'drain', entry, { ...entry, continuing: true });
      return entry;
    });
    try {
      // A stop may have been sent by a controller that died before it could write that down.
      const { done, told } = before;
      const ending = told !== undefined && lives(told);
      if (
        (ending || done.includes('settle') || done.includes('stop')) &&
        before.takenOver !== 'gone'
      )
        await this.#undoStop(node, told);
      if (before.takenOver === undefined)
        await this.journal.locked(() => this.proxy.putBack(server));
    } catch (error) {
      this.journal.write(before);
      throw error;
    }
    this.journal.forget(server);
    this.#say(
      before.takenOver === undefined
        ? `${server} is in service again`
        : `${server} is marked down by node watch, as it was before`,
    );
  }

  async #undoStop(node: NodeEntry, told: Entry['told']): Promise<void> {
    const undone = await managerOf(node, told)
      .undo()
      .catch(() => false);
    // One that was told and lives may answer for a while.
    const ending = told !== undefined && lives(told);
    if (undone || (!ending && (await isReady(this.inventory, node)))) return;
    throw new EdgeError(
      'ERR_EDGE_NODE',
      `${node.server} has been told to stop, which cannot be taken back: it stays out. Start it, then: lastcall node undrain ${node.server}`,
    );
  }

  #unfinished(server: string, continuing: boolean): Entry | undefined {
    const entry = this.#free(server);
    const open = entry?.state === 'done' ? undefined : entry;
    if (continuing) {
      if (open?.verb === 'drain') return open;
      throw new EdgeError(
        'ERR_EDGE_JOURNAL',
        `No unfinished drain of ${server} is recorded: nothing to continue.`,
      );
    }
    if (open?.verb === 'drain')
      throw new EdgeError(
        'ERR_EDGE_JOURNAL',
        `A drain of ${server} was begun at ${open.startedAt} and not finished (done: ${open.done.join(', ') || 'nothing'}${open.error === undefined ? '' : `; ${open.error}`}). Go on: lastcall node drain ${server} --continue. Go back: lastcall node drain ${server} --rollback.`,
        { server },
      );
    return open;
  }

  /** What is recorded of a server that no other controller works on. */
  #free(server: string): Entry | undefined {
    const entry = this.journal.read(server);
    if (entry && this.journal.isLive(entry))
      throw new EdgeError(
        'ERR_EDGE_JOURNAL',
        `${entry.pid === process.pid ? 'This' : 'Another'} controller (pid ${entry.pid}) is carrying out a ${entry.verb} of ${entry.server}. Wait for it.`,
      );
    return entry;
  }

  /** How the proxy sees a server. */
  async stateOf(server: string): Promise<ServerState> {
    const found = (await this.proxy.servers()).find((state) => state.server === server);
    if (found) return found;
    throw new EdgeError(
      'ERR_EDGE_SERVER',
      `${this.proxy.name} has no server ${server}. lastcall node status lists them.`,
      { server },
    );
  }

  /**
   * Takes a server out unless too few would stay; nobody else can take another one meanwhile. One that
   * is out is taken out once more: who wrote that into the file of nginx may have died before its reload.
   */
  takeOut(server: string): Promise<void> {
    return this.journal.locked(async () => {
      const { takenOut } = await this.stateOf(server);
      const least = Math.max(1, this.inventory.minInService);
      const left = takenOut ? least : await this.#othersServing(server);
      if (left < least && this.#options.force !== true)
        throw new EdgeError(
          'ERR_EDGE_LAST',
          `${server} stays in service: without it ${left} of ${this.proxy.name} would be left that are in service and ready, the least is ${least}. Nothing was changed. --force takes it out all the same.`,
          { server, left, least },
        );
      await this.proxy.takeOut(server);
    });
  }

  /** How many others are in service and, where they can be asked, ready. */
  async #othersServing(server: string): Promise<number> {
    const { nodes } = this.inventory;
    const others = (await this.proxy.servers()).filter(
      (state) => state.inService && state.server !== server,
    );
    const ready = await Promise.all(
      others.map(async (state) => {
        const node = nodes.find((entry) => entry.server === state.server);
        return node === undefined || (await isReady(this.inventory, node));
      }),
    );
    return ready.filter(Boolean).length;
  }

  async #carryOut(steps: readonly Step[], job: Job): Promise<void> {
    const { entry } = job;
    for (const step of stepsLeft(steps, entry.done)) {
      const { action, text, undo } = step;
      this.#say(`[${steps.indexOf(step) + 1}/${steps.length}] ${entry.server}: ${text}`);
      const startedMs = performance.now();
      const ended = (ok: boolean, told: string): void => {
        const ms = Math.round(performance.now() - startedMs);
        this.#options.onStep?.({ server: entry.server, verb: entry.verb, step, ok, told, ms });
        if (ok) this.#say(`      ${told} (${ms} ms)`);
      };
      try {
        const told = await ACTIONS[action](this, job);
        if (!entry.done.includes(action)) entry.done.push(action);
        this.journal.write(entry);
        ended(true, told);
      } catch (error) {
        const message = messageOf(error);
        ended(false, message);
        const changed = action === 'take_out' && isChanged(error);
        if (changed) entry.done.unshift(action);
        // A first step that was refused changed nothing: what was recorded before is true still.
        if (!changed && (entry.done.length === 0 || action === 'take_out')) {
          if (job.before) this.journal.write(job.before);
          else this.journal.forget(entry.server);
        } else {
          this.journal.write({ ...entry, state: 'failed', error: message });
          this.#say(`      the way back: ${undo}`);
        }
        throw error;
      }
    }
    entry.state = 'done';
    this.journal.write(entry);
  }

  /** Writes down who works on the node from now on; under the lock, so that only one does. */
  #begin(
    node: NodeEntry,
    verb: Entry['verb'],
    before: Entry | undefined,
    { continuing, takenOver, done }: Pick<Job, 'continuing'> & Pick<Entry, 'takenOver' | 'done'> = {
      continuing: false,
      takenOver: undefined,
      done: [],
    },
  ): Job {
    const resumed = continuing ? before : undefined;
    const now = new Date().toISOString();
    const entry: Entry = {
      server: node.server,
      verb,
      done: [...done],
      state: 'running',
      pid: process.pid,
      birth: processFacts(process.pid)?.birth ?? '',
      startedAt: resumed?.startedAt ?? now,
      updatedAt: now,
      error: undefined,
      logFrom: resumed?.logFrom ?? sizeOf(node.log),
      takenOver,
      told: before?.told,
    };
    this.journal.write(entry);
    return {
      node,
      entry,
      before,
      continuing,
      manager: undefined,
      exit: undefined,
      started: undefined,
    };
  }

  #say(line: string): void {
    this.#options.progress?.(line);
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
