import { EdgeError } from '../errors.ts';
import type { Desk } from './desk.ts';
import type { Inventory } from './inventory.ts';
import { planDrain, planUndrain, type Step } from './plan.ts';

/** The steps for each node, `parallel` nodes at a time. Nothing is carried out. Throws `ERR_EDGE_LAST`. */
export function planRoll(
  inventory: Inventory,
  parallel: number,
): { server: string; steps: Step[] }[] {
  const { nodes, minInService } = inventory;
  const least = Math.max(1, minInService);
  const left = Math.max(0, nodes.length - parallel);
  if (left < least)
    throw new EdgeError(
      'ERR_EDGE_LAST',
      `${parallel} of ${nodes.length} nodes at a time leave ${left} in service, the least is ${least}. Nothing was changed.`,
    );
  return nodes.map((node) => ({
    server: node.server,
    steps: [...planDrain(inventory, node), ...planUndrain(inventory, node)],
  }));
}

/**
 * Drains, restarts and puts back every node, `parallel` at a time, and stops at the first that goes
 * wrong: that one stays out, the ones after it are not touched.
 */
export async function roll(desk: Desk, parallel: number): Promise<void> {
  const servers = planRoll(desk.inventory, parallel).map(({ server }) => server);
  const out = desk.journal.all().filter(({ server }) => servers.includes(server));
  if (out.length > 0)
    throw new EdgeError(
      'ERR_EDGE_JOURNAL',
      `Not every node is in service: ${out.map(({ server, verb, state }) => `${server} (${verb} ${state})`).join(', ')}. Put them back first (lastcall node undrain).`,
    );
  for (let i = 0; i < servers.length; i += parallel) {
    const batch = servers.slice(i, i + parallel);
    const results = await Promise.allSettled(
      batch.map(async (server) => {
        await desk.drain(server);
        await desk.undrain(server);
      }),
    );
    const failed = results.flatMap((result, at) =>
      result.status === 'rejected' ? [{ server: batch[at], reason: result.reason as unknown }] : [],
    );
    const [first] = failed;
    if (first)
      throw new EdgeError(
        'ERR_EDGE_NODE',
        `The roll stopped at ${first.server}, ${servers.length - i - batch.length} nodes were not touched: ${first.reason instanceof Error ? first.reason.message : String(first.reason)}`,
        { server: first.server },
        { cause: first.reason },
      );
  }
}
