import type { Handover } from '@lastcall/handover';
import type { Config } from '../config.ts';
import type { ModelProvider } from '../model/provider.ts';
import { runPredictions } from '../predict/work.ts';
import { runResponses } from '../responses/work.ts';
import { runTasks } from '../tasks/work.ts';

/** Responses and predictions from elsewhere that a worker takes; what it begins itself is not limited. */
const generations = 200;

/** Does the service's works in this worker. */
export function runWorks(handover: Handover, provider: ModelProvider, config: Config): void {
  runResponses(handover, provider, generations);
  runPredictions(handover, provider, generations);
  runTasks(handover, provider, config.TASK_CONCURRENCY);
}
