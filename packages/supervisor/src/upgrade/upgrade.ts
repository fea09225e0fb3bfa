import { type ChildProcess, spawn } from 'node:child_process';
import type { Supervisor } from '../supervisor.ts';
import type { Inheritance, ToPredecessor, ToSuccessor } from './protocol.ts';

const END_MS = 5_000;

export interface UpgradeResult {
  ok: boolean;
  message: string;
}

/**
 * Replaces this supervisor by a new one, made by the same command line: the sockets are handed
 * over, and when the new one's workers have proved themselves, it takes over and this one drains.
 * When it does not come up, it is ended and nothing has changed.
 */
export class Upgrader {
  readonly #supervisor: Supervisor;
  readonly #beforeTake: () => void;
  #successor: ChildProcess | undefined;

  /** `beforeTake` lets go of what two supervisors cannot both have. */
  constructor(supervisor: Supervisor, beforeTake: () => void) {
    this.#supervisor = supervisor;
    this.#beforeTake = beforeTake;
  }

  /** One at a time: a second call while one runs is refused. */
  async run(): Promise<UpgradeResult> {
    const supervisor = this.#supervisor;
    if (supervisor.node.stopping) return { ok: false, message: 'the node is stopping' };
    if (this.#successor) return { ok: false, message: 'an upgrade is under way already' };
    const child = start(supervisor);
    this.#successor = child;
    supervisor.say(`upgrade: successor (pid ${child.pid ?? 'none'}) started`);
    const result = await this.#comesUp(child);
    supervisor.lastUpgrade = result;
    if (result.ok) this.#handOver(child);
    else {
      supervisor.say(`upgrade failed, this supervisor stays: ${result.message}`);
      await end(child);
    }
    this.#successor = undefined;
    return result;
  }

  /** Ends a successor that has not taken over: the node is to stop as a whole. */
  async abort(): Promise<void> {
    if (this.#successor) await end(this.#successor);
  }

  async #comesUp(child: ChildProcess): Promise<UpgradeResult> {
    const { upgradeMs } = this.#supervisor.config;
    const outcome = Promise.withResolvers<UpgradeResult>();
    const fail = (message: string): void => outcome.resolve({ ok: false, message });
    const timer = setTimeout(
      () => fail(`the successor was not ready within ${upgradeMs} ms`),
      upgradeMs,
    );
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) =>
      fail(`the successor ended with ${signal ?? `exit code ${code}`}`),
    );
    child.on('message', (raw) => {
      const message = raw as ToPredecessor;
      if (message.upgrade === 'ready') {
        this.#beforeTake();
        tell(child, { upgrade: 'take' });
      } else if (message.upgrade === 'taken')
        outcome.resolve({ ok: true, message: `taken over by pid ${child.pid}` });
    });
    void this.#supervisor.done.then(() => fail('the node stopped'));
    try {
      return await outcome.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Drains beside the successor and answers its questions until the last worker has gone. */
  #handOver(child: ChildProcess): void {
    const supervisor = this.#supervisor;
    child.on('message', (raw) => {
      const message = raw as ToPredecessor;
      if (message.upgrade !== 'ask') return;
      const { id, what } = message;
      const answer = what === 'status' ? supervisor.doors.status() : supervisor.doors.metrics();
      void answer.then((value) => tell(child, { upgrade: 'answer', id, value }));
    });
    void supervisor.done.then(async () => {
      tell(child, { upgrade: 'totals', metrics: await supervisor.doors.metrics() });
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

const tell = (child: ChildProcess, message: ToSuccessor): void => {
  if (child.connected) child.send(message, () => undefined);
};

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
