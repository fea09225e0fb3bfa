// What a stop cost: requests that got no answer, and answers that only a server that stops gives.
import { CaseFailure, NotApplicable } from '../case.ts';
import { lossInterval } from '../verdict/interval.ts';
import type { Account, Exchange } from './account.ts';
import { grpcStatus } from './h2.ts';

/** Fails where the stop, which began at `stopMs`, broke a promise in the account. */
export function refuseLosses(account: Account, stopMs: number): void {
  const { lost, exchanges } = account;
  const told = `${lost.length} of ${exchanges.length} lost: ${ways(lost, ({ reason }) => reason)}`;
  if (lost.length > 0 && isUsual(account, stopMs)) {
    throw new NotApplicable(`already before the stop: ${told}`);
  }
  if (lost.length > 0) {
    throw new CaseFailure('every request sent on an open connection to be answered', told);
  }
  const broken = exchanges.filter(isBroken);
  if (broken.length === 0 || broken.some((one) => isBefore(one, stopMs))) return;
  throw new CaseFailure(
    'every request to be answered as before the stop, or refused with 503 (UNAVAILABLE)',
    `${broken.length} of ${exchanges.length} answered with an error: ${ways(broken, statusOf)}`,
  );
}

const isBefore = ({ settledMs }: Exchange, stopMs: number): boolean =>
  (settledMs ?? Infinity) < stopMs;

/** Whether the server loses requests without a stop as well, and at the stop not surely more of them. */
function isUsual({ lost, exchanges }: Account, stopMs: number): boolean {
  const before = (one: Exchange): boolean => isBefore(one, stopMs);
  const lostBefore = lost.filter(before).length;
  if (lostBefore === 0) return false;
  const owed = exchanges.filter((one) => one.outcome !== 'void');
  const owedBefore = owed.filter(before).length;
  const atStop = lossInterval(lost.length - lostBefore, owed.length - owedBefore, 0.999);
  return atStop.low <= lostBefore / owedBefore;
}

/** OK and UNAVAILABLE, which is a refusal. */
const soundCalls: ReadonlySet<number> = new Set([0, 14]);

const isBroken = (one: Exchange): boolean =>
  one.outcome === 'answered' && (one.status >= 500 || !soundCalls.has(grpcStatus(one) ?? 0));

const statusOf = (one: Exchange): string => {
  const call = grpcStatus(one);
  return call === undefined ? `status ${one.status}` : `grpc-status ${call}`;
};

function ways(exchanges: readonly Exchange[], how: (one: Exchange) => string): string {
  const told = [...Map.groupBy(exchanges, how)].map(
    ([reason, [one, ...more]]) =>
      `${more.length === 0 ? 'once' : `${more.length + 1} times`} ${reason} (${one?.method} ${one?.path})`,
  );
  return told.slice(0, 3).join('; ');
}
