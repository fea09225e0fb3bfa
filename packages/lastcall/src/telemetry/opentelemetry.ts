import type { Attributes } from '@opentelemetry/api';
import type { FlightRecord } from './flight-record.ts';

/** Where the API keeps what an SDK has registered (its own, documented by its source, for version 1). */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');
const LOGS_REGISTERED = Symbol.for('io.opentelemetry.js.api.logs');

const has = (key: symbol): boolean => Reflect.get(globalThis, key) !== undefined;

/**
 * Writes a stop as a span with a child for each phase, and as one log record, where an SDK has been
 * registered; the packages of the API are then loaded for the first time. Never throws.
 */
export async function traceStop(record: FlightRecord): Promise<void> {
  try {
    if (has(REGISTERED)) await writeSpans(record);
    if (has(LOGS_REGISTERED)) await writeLog(record);
  } catch {
    // Telemetry must not keep a process from ending; the record on disk has the same facts.
  }
}

/** Lets the SDK send what it has, after everything else. Never throws. */
export async function flushTelemetry(): Promise<void> {
  try {
    const flushes: Promise<void>[] = [];
    if (has(REGISTERED)) {
      const { trace } = await import('@opentelemetry/api');
      flushes.push(flush(trace.getTracerProvider()));
    }
    if (has(LOGS_REGISTERED)) {
      const { logs } = await import('@opentelemetry/api-logs');
      flushes.push(flush(logs.getLoggerProvider()));
    }
    await Promise.allSettled(flushes);
  } catch {
    // As above.
  }
}

async function writeSpans(record: FlightRecord): Promise<void> {
  const { context, SpanStatusCode, trace } = await import('@opentelemetry/api');
  const beganMs = Date.parse(record.startedAt);
  const tracer = trace.getTracer('lastcall');
  const options = { startTime: beganMs, attributes: attributesOf(record), root: true };
  const span = tracer.startSpan('lastcall.stop', options);
  const inside = trace.setSpan(context.active(), span);
  for (const { state, atMs, durationMs } of record.phases)
    tracer
      .startSpan(`lastcall.${state}`, { startTime: beganMs + atMs }, inside)
      .end(beganMs + atMs + durationMs);
  if (isBad(record))
    span.setStatus({ code: SpanStatusCode.ERROR, message: record.failure ?? 'work was cut off' });
  span.end(beganMs + record.durationMs);
}

async function writeLog(record: FlightRecord): Promise<void> {
  const { logs, SeverityNumber } = await import('@opentelemetry/api-logs');
  logs.getLogger('lastcall').emit({
    severityNumber: isBad(record) ? SeverityNumber.ERROR : SeverityNumber.INFO,
    severityText: isBad(record) ? 'ERROR' : 'INFO',
    body: `${record.name} stopped after ${record.durationMs} ms (${record.reason})`,
    attributes: attributesOf(record),
  });
}

const isBad = ({ exitCode, failure }: FlightRecord): boolean => exitCode !== 0 || failure !== null;

function attributesOf(record: FlightRecord): Attributes {
  const { reason, inFlightAtStart, refused, lateArrivals, outcomes, estimate, exitCode } = record;
  return {
    'lastcall.reason': reason,
    'lastcall.in_flight_at_start': inFlightAtStart,
    'lastcall.refused': refused,
    'lastcall.late_arrivals': lateArrivals,
    ...Object.fromEntries(
      Object.entries(outcomes).map(([outcome, count]) => [`lastcall.outcome.${outcome}`, count]),
    ),
    ...(estimate.p90Ms === null ? {} : { 'lastcall.estimate.p90_ms': estimate.p90Ms }),
    ...(estimate.factMs === null ? {} : { 'lastcall.drained_ms': estimate.factMs }),
    ...(exitCode === null ? {} : { 'lastcall.exit_code': exitCode }),
  };
}

/** The API hands out proxies; the SDK behind one may know how to flush. */
async function flush(provider: object): Promise<void> {
  type Proxy = { getDelegate?: () => object; _getDelegate?: () => object };
  const { getDelegate, _getDelegate } = provider as Proxy;
  const sdk = (getDelegate ?? _getDelegate)?.call(provider) ?? provider;
  await (sdk as { forceFlush?: () => Promise<void> }).forceFlush?.();
}
