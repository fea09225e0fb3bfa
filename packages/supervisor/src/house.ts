import { dirname, join, resolve } from 'node:path';
import { AdminServer } from './admin.ts';
import type { Config } from './config/load.ts';
import { ControlServer } from './control/server.ts';
import { runVerb } from './control/verbs.ts';
import type { MakePage } from './node/view.ts';
import { takeSignals } from './signals.ts';
import { showAddress } from './sockets/address.ts';
import type { Supervisor } from './supervisor.ts';
import { isDaemon, tellStarter } from './system/daemon.ts';
import { tellInitPid } from './system/init.ts';
import { notifyStopping, notifySystemd } from './system/notify.ts';
import { PidFile } from './system/pid-file.ts';
import type { OlderSupervisor } from './upgrade/successor.ts';
import { Upgrader } from './upgrade/upgrade.ts';

const PID_FILE = 'lastcall.pid';

/** What surrounds a supervisor: signals, control socket, pid file, admin listener, systemd. */
export class House {
  readonly #supervisor: Supervisor;
  readonly #config: Config;
  readonly #makePage: MakePage | undefined;
  #control: ControlServer;
  /** Control sockets that a successor which failed had replaced: they answer what they were asked. */
  readonly #earlier: Promise<void>[] = [];
  readonly #controlPath: string;
  readonly #pidFile: PidFile | undefined;
  readonly #upgrader: Upgrader;
  #admin: AdminServer | undefined;
  /** Where the admin listener is to be opened again after an upgrade that failed. */
  #adminAddress: string | undefined;
  #restoring: Promise<void> | undefined;
  #closing = false;
  #releaseSignals: () => void = () => undefined;

  constructor(supervisor: Supervisor, config: Config, makePage: MakePage | undefined) {
    this.#supervisor = supervisor;
    this.#makePage = makePage;
    this.#config = config;
    this.#upgrader = new Upgrader(supervisor, {
      beforeTake: () => this.#admin?.close(),
      afterFail: () => (this.#restoring = this.#restore()),
    });
    this.#controlPath = resolve(config.dir, config.control);
    this.#control = this.#newControl();
    const pidPath =
      config.pidFile ?? (isDaemon() ? join(dirname(config.control), PID_FILE) : undefined);
    if (pidPath !== undefined) this.#pidFile = new PidFile(resolve(config.dir, pidPath));
  }

  /** Throws when another supervisor has the control socket or the pid file. */
  async expectFree(): Promise<void> {
    await ControlServer.expectFree(this.#controlPath);
    this.#pidFile?.expectFree();
  }

  /**
   * Opens all. A successor first lets its workers prove themselves, and takes control socket, pid
   * file and admin address from the older supervisor only then.
   */
  async open(older: OlderSupervisor | undefined): Promise<void> {
    const supervisor = this.#supervisor;
    this.#releaseSignals = takeSignals(supervisor, () => void this.#upgrader.run());
    if (older) {
      await Promise.race([supervisor.proved, supervisor.done]);
      if (supervisor.node.stopping) return;
      await older.proved();
    }
    await this.#control.listen();
    this.#pidFile?.write();
    tellInitPid();
    if (this.#config.admin !== undefined) await this.#openAdmin(this.#config.admin);
    // Only now: what has failed until here leaves the older one in its place.
    older?.taken();
    void supervisor.ready.then(() => this.#sayReady());
  }

  /** Waits for the end of the node, then closes all, the admin listener last. Returns the exit code. */
  async close(): Promise<number> {
    const supervisor = this.#supervisor;
    await supervisor.stopping;
    const stopExtending = supervisor.lastUpgrade?.ok
      ? (): void => undefined
      : notifyStopping(() => `stopping, ${supervisor.node.workers.length} workers left`);
    const aborted = this.#upgrader.abort();
    const { code, reason } = await supervisor.done;
    stopExtending();
    supervisor.say(`has stopped: ${reason} (exit code ${code})`);
    tellStarter({ exitCode: code, message: reason });
    this.#releaseSignals();
    this.#closing = true;
    // Who asked for an upgrade is answered once its successor has ended.
    await aborted;
    await this.#restoring;
    await Promise.all([...this.#earlier, this.#control.close()]);
    this.#pidFile?.remove();
    await supervisor.log.end();
    this.#admin?.close();
    // The channel to an older supervisor would keep a successor that failed from ending.
    if (process.connected) process.disconnect?.();
    return code;
  }

  async #openAdmin(address: string): Promise<void> {
    this.#admin = new AdminServer(this.#supervisor, this.#config, this.#makePage);
    this.#adminAddress = await this.#admin.listen(address);
    this.#supervisor.say(`admin listener on ${this.#adminAddress}`);
  }

  #newControl(): ControlServer {
    const context = { supervisor: this.#supervisor, upgrade: () => this.#upgrader.run() };
    return new ControlServer(this.#controlPath, (request, reply, closed) =>
      runVerb(context, request, reply, closed),
    );
  }

  /** Takes back what a successor that failed may have taken; says what of it cannot be had. */
  async #restore(): Promise<void> {
    const steps: (() => unknown)[] = [
      async () => {
        const earlier = this.#control;
        this.#control = this.#newControl();
        await this.#control.listen();
        // Not awaited: the upgrade itself is one of the questions it has yet to answer.
        this.#earlier.push(earlier.close());
      },
      () => this.#pidFile?.write(),
      tellInitPid,
      () => this.#adminAddress && this.#openAdmin(this.#adminAddress),
    ];
    for (const step of steps) {
      if (this.#closing) return;
      try {
        await step();
      } catch (error) {
        this.#supervisor.say(`after the upgrade that failed: ${(error as Error).message}`);
      }
    }
  }

  #sayReady(): void {
    const supervisor = this.#supervisor;
    const where = supervisor.addresses().map(({ address }) => showAddress(address));
    const { target } = supervisor.node;
    supervisor.say(`ready: ${target} workers on ${where.join(', ')} (pid ${process.pid})`);
    tellStarter({});
    void notifySystemd({ READY: 1, MAINPID: process.pid, STATUS: `${target} workers` });
  }
}
