import { type ChildProcess, spawn } from 'node:child_process';
import type { Handle } from 'lastcall/supervised';
import { countsOf } from '../node/counts.ts';
import type { Supervisor } from '../supervisor.ts';
import { Peer } from './peer.ts';
import type { Inheritance, PeerMessage } from './protocol.ts';

const END_MS = 5_000;
const DRAINS = 'the node began to drain';

export interface UpgradeResult {
  ok: boolean;
  message: string;
}

interface Surroundings {
  /** Lets go of what two supervisors cannot both have. */
  beforeTake: () => void;
  /** Takes it back from a successor that has ended. */
  afterFail: () => Promise<void>;
}

/**
 * Replaces this supervisor by a new one, made by the same command line: the sockets are handed
 * over, and when the new one's workers have proved themselves, it takes over and this one drains.
 * When it does not come up, it is ended and nothing has changed.
 */
export class Upgrader {
  readonly #supervisor: Supervisor;
  readonly #surroundings: Surroundings;
  #successor: ChildProcess | undefined;
  /** The successor was told to take over. */
  #taking = false;

  constructor(supervisor: Supervisor, surroundings: Surroundings) {
    this.#supervisor = supervisor;
    this.#surroundings = surroundings;
  }

  /** One at a time: a second call while one runs is refused. */
  async run(): Promise<UpgradeResult> {
    const supervisor = this.#supervisor;
    if (supervisor.node.stopping) return { ok: false, message: 'the node is stopping' };
    if (supervisor.node.draining)
      return { ok: false, message: 'the node drains; resume it first (lastcall resume)' };
    if (this.#successor) return { ok: false, message: 'an upgrade is under way already' };
    let child: ChildProcess;
    try {
      child = start(supervisor);
    } catch (error) {
      // Of most errors spawn() tells by an event; the others it throws.
      return this.#failed((error as Error).message);
    }
    this.#successor = child;
    supervisor.say(`upgrade: successor (pid ${child.pid ?? 'none'}) started`);
    const result = await this.#comesUp(child);
    if (!result.ok) {
      this.#failed(result.message);
      await end(child);
      if (this.#taking) await this.#surroundings.afterFail();
    }
    this.#taking = false;
    this.#successor = undefined;
    return result;
  }

  #failed(message: string): UpgradeResult {
    const result = { ok: false, message };
    this.#supervisor.lastUpgrade = result;
    this.#supervisor.say(`upgrade failed, this supervisor stays: ${message}`);
    return result;
  }

  /** Ends a successor that has not taken over: the node is to stop as a whole. */
  async abort(): Promise<void> {
    if (this.#successor) await end(this.#successor);
  }

  async #comesUp(child: ChildProcess): Promise<UpgradeResult> {
    const supervisor = this.#supervisor;
    const { upgradeMs } = supervisor.config;
    const outcome = Promise.withResolvers<UpgradeResult>();
    const fail = (message: string): void => outcome.resolve({ ok: false, message });
    const late = `the successor was not ready within ${upgradeMs} ms`;
    const timer = setTimeout(() => fail(late), upgradeMs);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) =>
      fail(`the successor ended with ${signal ?? `exit code ${code}`}`),
    );
    const { moves } = supervisor.fleet;
    let takesMoves = false;
    const onMessage = (message: PeerMessage, handle: Handle | undefined): void => {
      const { upgrade } = message;
      if (upgrade === 'move') moves.take(peer, message.message, handle);
      else if (upgrade === 'ready' && supervisor.node.draining) fail(DRAINS);
      else if (upgrade === 'ready') {
        takesMoves = message.takesMoves ?? false;
        this.#taking = true;
        this.#surroundings.beforeTake();
        peer.tell({ upgrade: 'take' });
      } else if (upgrade === 'failed') fail(`the successor: ${message.message}`);
      else if (upgrade === 'taken')
        outcome.resolve({ ok: true, message: `taken over by pid ${child.pid}` });
    };
    const peer = new Peer(child, supervisor.doors, onMessage);
    supervisor.peer = peer;
    // Later the successor has a part in every drain; until then the upgrade gives way.
    supervisor.doors.onDrain = () => fail(DRAINS);
    void supervisor.stopping.then(() => fail('the node stops'));
    const result = await outcome.promise;
    clearTimeout(timer);
    supervisor.doors.onDrain = undefined;
    if (result.ok && takesMoves) {
      moves.peer = peer;
      child.once('disconnect', () => moves.silent(peer));
    }
    if (result.ok) this.#handOver(child, peer);
    else supervisor.peer = undefined;
    return result;
  }

  /** Drains beside the successor, and leaves it the totals when the last worker has gone. */
  #handOver(child: ChildProcess, peer: Peer): void {
    const supervisor = this.#supervisor;
    supervisor.lastUpgrade = { ok: true, message: `taken over by pid ${child.pid}` };
    void supervisor.done.then(async () => {
      const { past } = supervisor.fleet;
      const { outcomes, refused, lateArrivals } = past;
      const account = { outcomes, refused, lateArrivals, ...countsOf(supervisor.fleet) };
      peer.tell({ upgrade: 'totals', metrics: await supervisor.doors.ownMetrics(), account });
      if (child.connected) child.disconnect();
    });
    child.unref();
    supervisor.post(() => supervisor.stop('graceful', 'upgraded'));
  }
}

function start(supervisor: Supervisor): ChildProcess {
  const { listeners, node } = supervisor;
  const held = listeners.describe();
  const inheritance: Inheritance = {
    sockets: held.map(({ wanted, address }) => ({ wanted, address })),
    activated: listeners.activated,
    generation: node.nextGeneration,
    nextWorkerId: node.nextWorkerId,
    workers: node.target,
  };
  return spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', ...held.map(({ fd }) => fd), 'ipc'],
    env: { ...process.env, LASTCALL_UPGRADE: JSON.stringify(inheritance) },
  });
}

/** Ends a successor that failed: in order first, so that it ends its own workers. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await gone;
  clearTimeout(timer);
}
