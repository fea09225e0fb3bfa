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
  readonly #control: ControlServer;
  readonly #controlPath: string;
  readonly #pidFile: PidFile | undefined;
  readonly #upgrader: Upgrader;
  #admin: AdminServer | undefined;
  #releaseSignals: () => void = () => undefined;

  constructor(supervisor: Supervisor, config: Config, makePage: MakePage | undefined) {
    this.#supervisor = supervisor;
    this.#makePage = makePage;
    this.#config = config;
    this.#upgrader = new Upgrader(supervisor, () => this.#admin?.close());
    this.#controlPath = resolve(config.dir, config.control);
    const context = { supervisor, upgrade: () => this.#upgrader.run() };
    this.#control = new ControlServer(this.#controlPath, (request, reply, closed) =>
      runVerb(context, request, reply, closed),
    );
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
    older?.taken();
    if (this.#config.admin !== undefined) await this.#openAdmin(this.#config.admin);
    void supervisor.ready.then(() => this.#sayReady());
  }

  /** Waits for the end of the node, then closes all, the admin listener last. Returns the exit code. */
  async close(): Promise<number> {
    const supervisor = this.#supervisor;
    await supervisor.stopping;
    const stopExtending = supervisor.lastUpgrade?.ok
      ? (): void => undefined
      : notifyStopping(() => `stopping, ${supervisor.node.workers.length} workers left`);
    void this.#upgrader.abort();
    const { code, reason } = await supervisor.done;
    stopExtending();
    supervisor.say(`has stopped: ${reason} (exit code ${code})`);
    tellStarter({ exitCode: code, message: reason });
    this.#releaseSignals();
    await this.#control.close();
    this.#pidFile?.remove();
    await supervisor.log.end();
    this.#admin?.close();
    // The channel to an older supervisor would keep a successor that failed from ending.
    if (process.connected) process.disconnect?.();
    return code;
  }

  async #openAdmin(address: string): Promise<void> {
    this.#admin = new AdminServer(this.#supervisor, this.#config, this.#makePage);
    this.#supervisor.say(`admin listener on ${await this.#admin.listen(address)}`);
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
