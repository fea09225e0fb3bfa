import { EdgeError } from '../errors.ts';
import type { Proxy, ServerState } from '../proxy/driver.ts';
import { answers } from './health.ts';
import type { Inventory, NodeEntry } from './inventory.ts';
import type { Entry, Journal } from './journal.ts';
import { managerOf } from './manager.ts';
import { readMarks } from './marks.ts';

/** By what a node is known to have ended; undefined: it runs, or that is not certain. */
export async function goneBy(
  inventory: Inventory,
  node: NodeEntry,
  told?: Entry['told'],
): Promise<string | undefined> {
  const gone = await managerOf(node, told).gone();
  // What answers runs, whatever a stale pid file says.
  return gone === undefined || (await answers(inventory, node)) ? undefined : gone;
}

/** Who sees what the proxy has and what was recorded. */
interface Looks {
  readonly inventory: Inventory;
  readonly journal: Journal;
  readonly proxy: Proxy;
  stateOf(server: string): Promise<ServerState>;
}

/** How a node is found that is out by the watch alone; undefined: it is in service. Others are refused. */
export async function takenOverFrom(desk: Looks, node: NodeEntry): Promise<Entry['takenOver']> {
  const { server } = node;
  const { takenOut } = await desk.stateOf(server);
  if (!takenOut) return undefined;
  const { stateDir } = desk.inventory;
  if (desk.journal.read(server) || !readMarks(stateDir).includes(server))
    throw new EdgeError(
      'ERR_EDGE_SERVER',
      `${server} is down already in ${desk.proxy.name}. Nothing was changed. Put it back: lastcall node undrain ${server}`,
      { server },
    );
  return foundBy(desk.inventory, node);
}

/** How a drain finds a node that the watch has marked down. */
export const foundBy = async (
  inventory: Inventory,
  node: NodeEntry,
): Promise<NonNullable<Entry['takenOver']>> =>
  (await goneBy(inventory, node)) === undefined ? 'running' : 'gone';

/**
 * Why a step has nothing to do for a drain that took over a node that had gone. One that has been
 * started meanwhile has to be stopped, and the entry says so from then on.
 */
export async function stillGone(
  inventory: Inventory,
  node: NodeEntry,
  entry: Entry,
): Promise<string | undefined> {
  if (entry.takenOver !== 'gone') return undefined;
  const gone = await goneBy(inventory, node);
  if (gone === undefined) entry.takenOver = 'running';
  return gone;
}

/**
 * What holds still of a drain that was not finished. The server is taken out again in any case; where
 * it is in service by another hand it has work again, that has to settle, and it is no watch's any more.
 */
export async function leftOf(
  desk: Looks,
  node: NodeEntry,
  { done, takenOver }: Entry,
): Promise<Pick<Entry, 'done' | 'takenOver'>> {
  const { takenOut } = await desk.stateOf(node.server);
  const left = done.filter((action) => action !== 'take_out');
  if (takenOut) return { done: left, takenOver };
  const gone = takenOver === 'gone' && (await foundBy(desk.inventory, node)) === 'gone';
  return {
    done: left.filter((action) => action !== 'settle'),
    takenOver: gone ? takenOver : undefined,
  };
}
