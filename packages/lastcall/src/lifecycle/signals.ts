import type { Lifecycle } from './lifecycle.ts';
import { exitLine } from './record.ts';

export interface SignalOptions {
  /** Take uncaughtException and unhandledRejection as the start of a graceful stop with exit code 1. Default true. */
  fatal?: boolean;
  /** Where the exit line goes. Default: standard error. */
  log?: (line: string) => void;
  /** Ends the process. Default `process.exit`: a timer that the application left must not hold the exit. */
  exit?: (code: number) => void;
}

/** Signals closer together than this are one: a Ctrl-C often arrives twice. */
const SAME_SIGNAL_MS = 500;

/** Installs the handlers; see contracts: first signal graceful, second cancels, third exits. */
export function handleSignals(lifecycle: Lifecycle, options: SignalOptions): void {
  const exit = options.exit ?? ((code) => process.exit(code));
  const log = options.log ?? toStandardError();
  let count = 0;
  let lastMs = -Infinity;
  let { epoch } = lifecycle;

  const graceful = (signal: string): void => {
    const now = performance.now();
    // What was sent for a stop that has been undone says nothing of the next one.
    if (epoch !== lifecycle.epoch) [epoch, count, lastMs] = [lifecycle.epoch, 0, -Infinity];
    if (now - lastMs <= SAME_SIGNAL_MS) return;
    lastMs = now;
    count += 1;
    if (count === 1) {
      if (!lifecycle.currentStop) lifecycle.counters.sigtermWithoutPrestop += 1;
      void lifecycle.stop({ reason: signal });
    } else if (count === 2) {
      log(`lastcall: ${signal} again: cancelling ${lifecycle.inFlight} in flight`);
      void lifecycle.force(signal);
    } else {
      log(`lastcall: ${signal} a third time: exiting with ${lifecycle.inFlight} in flight`);
      exit(4);
    }
  };
  process.on('SIGTERM', graceful);
  process.on('SIGINT', graceful);
  process.on('SIGQUIT', () => void lifecycle.force('SIGQUIT'));
  if (options.fatal ?? true) {
    const fatal = (kind: string) => (error: unknown) => {
      log(`lastcall: ${kind}: ${error instanceof Error ? error.stack : String(error)}`);
      void lifecycle.stop({ reason: kind, fatal: error ?? new Error(kind) });
    };
    process.on('uncaughtException', fatal('uncaughtException'));
    process.on('unhandledRejection', fatal('unhandledRejection'));
  }
  void lifecycle.stopped.then((record) => {
    log(exitLine(lifecycle.options.name, record));
    exit(record.exitCode);
  });
}

/** A reader that has gone away must not turn each line that tells of it into the next fatal error. */
function toStandardError(): (line: string) => void {
  process.stderr.on('error', () => {});
  return (line) => void process.stderr.write(`${line}\n`);
}
