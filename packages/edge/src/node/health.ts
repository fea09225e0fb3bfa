import { type Inventory, type NodeEntry, urlOf } from './inventory.ts';

/** Whether the node says that it is ready. */
export async function isReady(inventory: Inventory, node: NodeEntry): Promise<boolean> {
  const { path, timeout } = inventory.watch;
  try {
    const response = await fetch(urlOf(node) + path, {
      signal: AbortSignal.timeout(timeout),
      headers: { connection: 'close' },
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
