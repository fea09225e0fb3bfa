import { OPTIONS, parseDurationMs } from 'lastcall';
import { seconds } from './finding.ts';

/** The times of a service as its environment and command line set them. */
export interface ServiceTimes {
  /** Whether the service is known to use the library. */
  isLastcall: boolean;
  /** undefined: not known. */
  graceMs: number | undefined;
  graceFrom: string;
  forceMs: number;
  leaveMinMs: number;
  leaveMaxMs: number;
  /** undefined: not set, or not known. */
  killAfterMs: number | undefined;
  /** Whether LASTCALL_LEAVE_* was set. */
  leaveGiven: boolean;
  hasOperators: boolean;
}

const CONTRACT_PATHS = /\/shutdown\/(wait|initiate|reset)|\/-\/shutdown\/drain/;

/**
 * Learns the times from environment variables (undefined: set, but not readable here) and from the
 * words of the command line. `hints` are other texts that show that the library is there. `open`:
 * more variables come from elsewhere, so what is absent is not known.
 */
export function serviceTimes(
  env: ReadonlyMap<string, string | undefined>,
  words: readonly string[],
  hints: readonly string[],
  open = false,
): ServiceTimes {
  const names = [...env.keys()];
  const isLastcall =
    names.some((name) => name.startsWith('LASTCALL_') || name === 'GRACEFUL_SHUTDOWN_TIMEOUT') ||
    words.some((word) => /(^|\/)lastcall$/.test(word)) ||
    hints.some((hint) => CONTRACT_PATHS.test(hint));
  const { graceMs, graceFrom } = grace(env, words, isLastcall, open);
  /** undefined: not known. */
  const own = (name: keyof typeof OPTIONS): number | undefined => {
    const variable = OPTIONS[name].env ?? '';
    const text = env.get(variable);
    if (text !== undefined) return parseDurationMs(text) ?? (OPTIONS[name].default as number);
    return open || env.has(variable) ? undefined : (OPTIONS[name].default as number);
  };
  const forceMs = isLastcall ? own('forceMs') : 0;
  const killAfter = env.get(OPTIONS.killAfterMs.env ?? '');
  return {
    isLastcall,
    killAfterMs: killAfter === undefined ? undefined : parseDurationMs(killAfter),
    // They are added up: a sum with a part that is not known is not known.
    graceMs: forceMs === undefined ? undefined : graceMs,
    graceFrom,
    forceMs: forceMs ?? 0,
    // Nothing is said against a leave time that is not known.
    leaveMinMs: isLastcall ? (own('leaveMinMs') ?? 0) : 0,
    leaveMaxMs: isLastcall ? (own('leaveMaxMs') ?? Infinity) : 0,
    leaveGiven: names.some((name) => name.startsWith('LASTCALL_LEAVE_')),
    hasOperators: open || env.has('LASTCALL_OPERATOR_CIDRS'),
  };
}

function grace(
  env: ReadonlyMap<string, string | undefined>,
  words: readonly string[],
  isLastcall: boolean,
  open: boolean,
): { graceMs: number | undefined; graceFrom: string } {
  if (env.has('GRACEFUL_SHUTDOWN_TIMEOUT')) {
    const text = env.get('GRACEFUL_SHUTDOWN_TIMEOUT');
    const graceMs = text === undefined ? undefined : parseDurationMs(text, 's');
    return { graceMs, graceFrom: 'GRACEFUL_SHUTDOWN_TIMEOUT' };
  }
  const flag = /--(timeout-graceful-shutdown|graceful-timeout)[ =](\d+)/.exec(words.join(' '));
  if (flag) return { graceMs: Number(flag[2]) * 1_000, graceFrom: `--${flag[1]}` };
  if (isLastcall && !open)
    return { graceMs: OPTIONS.graceMs.default as number, graceFrom: 'default grace' };
  return { graceMs: undefined, graceFrom: '' };
}

/** A sum with its terms spelt out. */
export interface Sum {
  totalMs: number;
  arithmetic: string;
}

export function sumOf(terms: readonly (readonly [label: string, ms: number])[]): Sum {
  const totalMs = terms.reduce((total, [, ms]) => total + ms, 0);
  return {
    totalMs,
    arithmetic: `${terms.map(([label, ms]) => `${label} ${seconds(ms)}`).join(' + ')} = ${seconds(totalMs)}`,
  };
}

/** What a stop by signal needs: grace + force + margin; undefined when the grace is not known. */
export function stopSum(times: ServiceTimes, marginMs: number): Sum | undefined {
  if (times.graceMs === undefined) return undefined;
  return sumOf([
    [times.graceFrom, times.graceMs],
    ...(times.forceMs > 0 ? ([['force', times.forceMs]] as const) : []),
    ['margin', marginMs],
  ]);
}

/** The sum that the library refuses at boot, spelt out; undefined when all add up. */
export function refusedAtBoot(times: ServiceTimes): string | undefined {
  const { isLastcall, graceMs, forceMs, leaveMinMs, leaveMaxMs, killAfterMs } = times;
  if (!isLastcall) return undefined;
  if (leaveMinMs > leaveMaxMs)
    return `LASTCALL_LEAVE_MIN_MS ${seconds(leaveMinMs)} > LASTCALL_LEAVE_MAX_MS ${seconds(leaveMaxMs)}`;
  if (graceMs === undefined) return undefined;
  if (leaveMinMs > 0 && leaveMinMs >= graceMs)
    return `LASTCALL_LEAVE_MIN_MS ${seconds(leaveMinMs)} >= ${times.graceFrom} ${seconds(graceMs)}`;
  if (killAfterMs !== undefined && graceMs + forceMs >= killAfterMs)
    return `${times.graceFrom} ${seconds(graceMs)} + force ${seconds(forceMs)} >= LASTCALL_KILL_AFTER_MS ${seconds(killAfterMs)}`;
  return undefined;
}
