import { LastcallError } from './errors.ts';

interface Times {
  graceMs: number;
  forceMs: number;
  leaveMinMs: number;
  leaveMaxMs: number;
  killAfterMs?: number | undefined;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Refuses times that cannot work together, with the arithmetic in the message.
 * Throws `ERR_LASTCALL_BUDGET`.
 */
export function expectBudget(times: Times): void {
  const { graceMs, forceMs, leaveMinMs, leaveMaxMs, killAfterMs } = times;
  const total = graceMs + forceMs;
  if (total > MAX_TIMER_MS)
    refuse(
      `graceMs ${graceMs} + forceMs ${forceMs} = ${total}, above the longest timer, ${MAX_TIMER_MS} ms`,
      'Lower graceMs.',
      times,
    );
  if (leaveMinMs > leaveMaxMs)
    refuse(
      `leaveMinMs ${leaveMinMs} is above leaveMaxMs ${leaveMaxMs}`,
      'Raise leaveMaxMs to at least leaveMinMs.',
      times,
    );
  if (leaveMinMs > 0 && leaveMinMs >= graceMs)
    refuse(
      `leaveMinMs ${leaveMinMs} leaves ${graceMs - leaveMinMs} ms of graceMs ${graceMs} for work to finish`,
      'Raise graceMs or lower leaveMinMs: leaving is part of the grace time.',
      times,
    );
  if (killAfterMs !== undefined && total >= killAfterMs)
    refuse(
      `graceMs ${graceMs} + forceMs ${forceMs} = ${total}, but the orchestrator kills after killAfterMs ${killAfterMs}: ${total - killAfterMs} ms too late`,
      `Lower graceMs below ${Math.max(0, killAfterMs - forceMs)} or raise the orchestrator's limit.`,
      times,
    );
}

function refuse(arithmetic: string, advice: string, times: Times): never {
  throw new LastcallError(
    'ERR_LASTCALL_BUDGET',
    `The times do not add up: ${arithmetic}. ${advice}`,
    { ...times },
  );
}
