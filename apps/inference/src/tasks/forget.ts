import type { Lifecycle } from 'lastcall';
import { patiently } from '../storage/patiently.ts';
import type { TaskStore } from './store.ts';

const everyMs = 3_600_000;

/** Lets go of what is kept no longer: now, waiting for the database, and then each hour. */
export async function forgetTasks(lifecycle: Lifecycle, store: TaskStore): Promise<void> {
  await patiently(lifecycle, () => store.forget());
  // A database that is away has another hour.
  const timer = setInterval(() => void store.forget().catch(() => undefined), everyMs).unref();
  lifecycle.onClose('forgetting', () => clearInterval(timer));
}
