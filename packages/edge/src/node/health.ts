import { type Inventory, type NodeEntry, urlOf } from './inventory.ts';

/** Whether the node says that it is ready. */
export const isReady = async (inventory: Inventory, node: NodeEntry): Promise<boolean> =>
  (await ask(inventory, node)) === 200;

/** Whether anything answers there, ready or not. */
export const answers = async (inventory: Inventory, node: NodeEntry): Promise<boolean> =>
  (await ask(inventory, node)) !== undefined;

async function ask(inventory: Inventory, node: NodeEntry): Promise<number | undefined> {
  const { path, timeout } = inventory.watch;
  try {
    const response = await fetch(urlOf(node) + path, {
      signal: AbortSignal.timeout(timeout),
      headers: { connection: 'close' },
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}
