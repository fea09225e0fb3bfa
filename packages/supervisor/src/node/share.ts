import type { WorkItem } from 'lastcall/supervised';
import { type WorkerStatus, workersStatus } from '../control/status.ts';
import type { Fleet } from '../fleet.ts';
import { type Counts, countsOf } from './counts.ts';
import { type Account, WorkAccount } from './figures.ts';

/** What one supervisor of a node knows of its past and its workers: two have their share while one replaces the other. */
export interface Share {
  account: Account;
  counts: Counts;
  onTheirWay: number;
  workers: WorkerStatus[];
  work: (WorkItem & { worker: string })[];
}

export function shareOf(fleet: Fleet, work: Share['work']): Share {
  const account = new WorkAccount();
  account.addAccount(fleet.past);
  for (const { figures } of fleet.processes.values()) if (figures) account.add(figures);
  const { outcomes, refused, lateArrivals } = account;
  return {
    account: { outcomes, refused, lateArrivals },
    counts: countsOf(fleet),
    onTheirWay: fleet.moves.onTheirWay,
    workers: workersStatus({ fleet }),
    work,
  };
}
