import type { Cursor } from '../cursor.ts';
import type { Findings } from '../finding.ts';
import { checkAvailability } from './availability.ts';
import { checkBudget } from './budget.ts';
import { checkHooks } from './hooks.ts';
import { checkProbes } from './probes.ts';
import { checkShape } from './shape.ts';
import { readWorkload } from './workload.ts';

/** Checks all objects of a call together: budgets and autoscalers name workloads in other files. */
export function checkKubernetes(objects: readonly Cursor[], findings: Findings): void {
  const workloads = objects.flatMap((at) => readWorkload(at) ?? []);
  for (const workload of workloads)
    for (const check of [checkShape, checkBudget, checkProbes, checkHooks])
      check(workload, findings);
  checkAvailability(workloads, objects, findings);
}
