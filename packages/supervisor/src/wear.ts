import { endedWork } from './node/figures.ts';
import type { WorkerProcess } from './process/worker-process.ts';

const JOB_KINDS = new Set(['task', 'job']);
const isJob = (kind: string): boolean => JOB_KINDS.has(kind);

/** Options that limit how much one worker does. */
const LIMITS = ['maxAgeMs', 'maxMemoryBytes', 'maxRequests', 'maxJobs'] as const;
export type Wear = (typeof LIMITS)[number];

/** The limit that a worker has reached; `factor` is its share of chance, so that not all end at once. */
export function wornBy(process: WorkerProcess, factor: number): Wear | undefined {
  const { launch, figures, startedMs } = process;
  const used: Record<Wear, number | undefined> = {
    maxAgeMs: performance.now() - startedMs,
    maxMemoryBytes: figures?.rssBytes,
    maxRequests: figures && endedWork(figures, (kind) => !isJob(kind)),
    maxJobs: figures && endedWork(figures, isJob),
  };
  return LIMITS.find((limit) => {
    const most = launch.config[limit] * factor;
    return most > 0 && (used[limit] ?? 0) >= most;
  });
}
