import { type Inventory, nodeOf } from './inventory.ts';
import { type Entry, Journal } from './journal.ts';
import { readMarks } from './marks.ts';
import { planDrain, type Step, stepsLeft } from './plan.ts';
import { foundBy } from './takeover.ts';

/** The steps that a drain would go through now. Changes nothing, and does not ask the proxy. */
export async function foreseeDrain(
  inventory: Inventory,
  server: string,
  continuing = false,
): Promise<Step[]> {
  const node = nodeOf(inventory, server);
  const entry = new Journal(inventory.stateDir).read(server);
  const marked = entry === undefined && readMarks(inventory.stateDir).includes(server);
  const takenOver = marked ? await foundBy(inventory, node) : entry?.takenOver;
  // Who goes on makes sure first that the server is out.
  const before = continuing ? (entry?.done ?? []) : [];
  const done = before.filter((action) => action !== 'take_out');
  return stepsLeft(planDrain(inventory, node), done).map((step) => foreseen(step, takenOver));
}

function foreseen(step: Step, takenOver: Entry['takenOver']): Step {
  if (takenOver !== undefined && step.action === 'take_out')
    return { ...step, text: 'nothing: node watch has marked it down already' };
  return takenOver === 'gone' ? { ...step, text: 'nothing: it has ended already' } : step;
}
