import { LastcallError } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ResolvedOptions } from '../options.ts';
import { flushTelemetry } from '../telemetry/opentelemetry.ts';
import type { Drainable } from './drainable.ts';
import type { Hooks } from './hooks.ts';
import type { StateMachine } from './state.ts';
import type { Stop } from './stop.ts';

export interface House {
  readonly ledger: Ledger;
  readonly machine: StateMachine;
  readonly hooks: Hooks;
  readonly options: ResolvedOptions;
  readonly servers: ReadonlySet<Drainable>;
  /** Writes the stop, as far as it has come, as spans and a log record. */
  readonly trace: () => Promise<void>;
}

/** Runs one stop from its first phase to its last. Returns early when it is undone. */
export async function runStop(house: House, stop: Stop): Promise<void> {
  await leave(house, stop);
  if (stop.undone) return;
  await drain(house, stop);
  if (stop.undone) return;
  await cancel(house, stop);
  stop.drained.resolve(
    stop.cancelled > 0 ? { status: 'timeout', cancelled: stop.cancelled } : { status: 'completed' },
  );
  await hold(stop);
  if (stop.undone) return;
  await close(house, stop);
}

async function leave({ machine, options, servers }: House, stop: Stop): Promise<void> {
  machine.move('leaving');
  if (stop.first) await stop.until(stop.first(), () => stop.deadlineMs);
  if (stop.undone) return;
  stop.told = true;
  const evidence = Promise.all([...servers].map((server) => server.leave(stop)));
  if (!stop.leave) return;
  const minMs = stop.startedMs + options.leaveMinMs;
  const maxMs = stop.startedMs + options.leaveMaxMs;
  const until = (limitMs: number) => (): number =>
    stop.leave ? Math.min(stop.siblings ? Infinity : limitMs, stop.deadlineMs) : 0;
  if (options.leaveMinMs > 0) await stop.until(undefined, until(minMs));
  await stop.until(evidence, until(maxMs));
}

async function drain({ machine, hooks, ledger, servers }: House, stop: Stop): Promise<void> {
  machine.move('draining');
  for (const server of servers) server.drain(stop);
  // Job sources stop fetching; their leases are waited for below, not their hooks.
  void hooks.runTogether('drain', stop);
  const idle = ledger.idle();
  void idle.then(() => {
    if (machine.current === 'draining' && !stop.undone)
      stop.drained.resolve({ status: 'completed' });
  });
  const quiet = Promise.all([idle, ...[...servers].map((server) => server.quiet())]);
  await stop.until(quiet, () => stop.deadlineMs);
}

async function cancel({ machine, ledger, servers, options }: House, stop: Stop): Promise<void> {
  if (ledger.inFlight === 0) return;
  machine.move('cancelling');
  stop.cancelled = ledger.cancelAll(cancelReason(stop, options));
  const idle = ledger.idle();
  const keptMs = reserveMs(options);
  await stop.until(idle, () => stop.endMs - keptMs);
  if (ledger.inFlight > 0) for (const server of servers) server.finish();
  // What has not ended even now has the rest of the time, but the hooks do not wait for it.
  await stop.until(idle, () => stop.endMs - (keptMs * 3) / 4);
}

/** The last quarter of the force time is kept: half of it for final answers, half for hooks. */
const reserveMs = ({ forceMs }: ResolvedOptions): number => Math.min(forceMs / 4, 500);

/** A drain that was not asked to exit waits here until it is, or until it is undone. */
async function hold(stop: Stop): Promise<void> {
  if (!stop.exit) await stop.until(undefined, () => (stop.exit ? 0 : Infinity));
}

async function close(house: House, stop: Stop): Promise<void> {
  const { machine, hooks, servers, ledger, trace, options } = house;
  machine.move('closing');
  const end = (): number => stop.endMs;
  await stop.until(hooks.runTogether('checkpoint', stop), end);
  const service = [...servers].filter((server) => !server.admin);
  await closeAll(service, stop, withoutTheRest(house, stop));
  await stop.until(hooks.runReversed('close', stop), end);
  // Before the flush hooks: one of them may shut the SDK down.
  await stop.until(trace(), end);
  await stop.until(hooks.runTogether('flush', stop), end);
  await stop.until(flushTelemetry(), end);
  // Work had until then; a drain that was held since has given it no more.
  const forcedMs = stop.deadlineMs + options.forceMs;
  const restMs = withoutTheRest(house, stop);
  await stop.until(ledger.idle(), () => Math.min(restMs(), forcedMs));
  // The admin listener, and servers that were attached since.
  const last = [...servers].filter((server) => !service.includes(server));
  await closeAll(last, stop, end);
  ledger.writeOff();
  machine.move('stopped');
}

/**
 * How long one may wait for who may never come (peers that do not close their side, work that does
 * not end): what follows keeps half of the reserve, or half of what is left of it.
 */
function withoutTheRest({ options }: House, stop: Stop): () => number {
  const leftMs = Math.max(0, stop.endMs - performance.now());
  const keptMs = Math.min(reserveMs(options), leftMs) / 2;
  return () => stop.endMs - keptMs;
}

async function closeAll(
  servers: readonly Drainable[],
  stop: Stop,
  limit: () => number,
): Promise<void> {
  await stop.until(Promise.all(servers.map((server) => server.close(stop))), limit);
  for (const server of servers) server.destroy();
}

function cancelReason(stop: Stop, { retryAfterMs }: ResolvedOptions): LastcallError {
  const facts = { reason: stop.reason, retryAfterMs };
  return stop.forced
    ? new LastcallError('ERR_LASTCALL_FORCED', 'An operator forced the stop.', facts)
    : new LastcallError(
        'ERR_LASTCALL_DEADLINE',
        `The deadline passed ${stop.durationSeconds.toFixed(1)} s after the stop began (${stop.reason}).`,
        facts,
      );
}
