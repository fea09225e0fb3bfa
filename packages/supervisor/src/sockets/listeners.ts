import type { Config } from '../config/load.ts';
import { type Address, parseAddress, showAddress } from './address.ts';
import { adopt, bind, type Listener, unlinkAddress } from './bind.ts';

const DEFAULT_PORT = 8080;
const FIRST_FD = 3;

/** The addresses that the configuration names. */
export function wantedAddresses(config: Config, env: NodeJS.ProcessEnv): Address[] {
  const listed = config.listen.map(parseAddress);
  if (listed.length > 0 && config.port === undefined) return listed;
  const port = config.port ?? Number(env.PORT || DEFAULT_PORT);
  const host = config.host ?? (env.HOST || '0.0.0.0');
  return [parseAddress(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`), ...listed];
}

interface Held {
  /** The address as the configuration names it; a port 0 has another one when bound. */
  wanted: string;
  listener: Listener;
}

/** All sockets of the node. They are given up together when the node stops. */
export class Listeners {
  #held: Held[] = [];
  /** The sockets came from systemd: they are all there is, whatever the configuration names. */
  activated = false;

  /** The sockets for these addresses: those held already are kept, the others are bound. */
  open(addresses: readonly Address[]): Listener[] {
    if (this.activated) return this.#held.map(({ listener }) => listener);
    const opened: Held[] = [];
    // Two may be named alike: any free port, twice.
    const given = new Set<Held>();
    try {
      return addresses.map((address) => {
        const wanted = showAddress(address);
        const held = this.#held.find((entry) => entry.wanted === wanted && !given.has(entry));
        if (held) {
          given.add(held);
          return held.listener;
        }
        const listener = bind(address);
        opened.push({ wanted, listener });
        return listener;
      });
    } catch (error) {
      for (const { listener } of opened.splice(0)) listener.close();
      throw error;
    } finally {
      this.#held.push(...opened);
    }
  }

  /** Takes over sockets that came with the process, on the descriptors from 3 on. */
  adopt(sockets: readonly { wanted?: string; address?: Address }[]): void {
    for (const [i, { wanted, address }] of sockets.entries()) {
      const listener = adopt(FIRST_FD + i, address);
      this.#held.push({ wanted: wanted ?? showAddress(listener.address), listener });
    }
  }

  /** What a successor needs to know of the sockets it inherits, in order. */
  describe(): { wanted: string; address: Address; fd: number }[] {
    return this.#held.map(({ wanted, listener: { address, fd } }) => ({ wanted, address, fd }));
  }

  /** Gives up the sockets that nobody needs any more. */
  keepOnly(needed: ReadonlySet<Listener>): void {
    for (const { listener } of this.#held.filter((entry) => !needed.has(entry.listener)))
      this.#drop(listener, true);
  }

  /**
   * Gives up all sockets. The workers' own copies go on until each closes its own, and the last
   * one closes the socket; held here any longer, clients would wait in a queue nobody serves.
   */
  closeAll(unlink: boolean): void {
    for (const { listener } of this.#held) this.#drop(listener, unlink);
  }

  #drop(listener: Listener, unlink: boolean): void {
    this.#held = this.#held.filter((entry) => entry.listener !== listener);
    listener.close();
    if (unlink) unlinkAddress(listener.address);
  }
}
