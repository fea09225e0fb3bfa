import { answers } from './health.ts';
import type { Inventory, NodeEntry } from './inventory.ts';
import type { Entry } from './journal.ts';
import { managerOf } from './manager.ts';

/** By what a node is known to have ended; undefined: it runs, or that is not certain. */
export async function goneBy(inventory: Inventory, node: NodeEntry): Promise<string | undefined> {
  const gone = await managerOf(node).gone();
  // What answers runs, whatever a stale pid file says.
  return gone === undefined || (await answers(inventory, node)) ? undefined : gone;
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
