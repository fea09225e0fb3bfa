import type { NodeStatus } from './node.ts';

/** An answer, before any framework has seen it. A text body is sent as it is, an object as JSON. */
export interface Answer {
  status: number;
  body: string | Record<string, unknown>;
  headers?: Record<string, string>;
}

export const SHUTTING_DOWN = 'Service is shutting down';

export const isStopping = ({ state }: NodeStatus): boolean =>
  state !== 'starting' && state !== 'ready';

const round = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;

export function readiness(status: NodeStatus, hasStorage: boolean): Answer {
  if (isStopping(status)) return stopping(status);
  if (status.state !== 'ready') return unready('starting', 'Service is starting', status);
  if (!hasStorage) return unready('unavailable', 'The storage is unavailable', status);
  return { status: 200, body: { status: 'ready', active_streams: status.inFlight } };
}

const unready = (status: string, message: string, { inFlight }: NodeStatus): Answer => ({
  status: 503,
  body: { status, message, active_streams: inFlight },
});

/** The answer of `/ready` and `/shutdown/status` while the node stops. */
export function stopping(status: NodeStatus): Answer {
  return {
    status: 503,
    body: {
      status: 'shutting_down',
      message: SHUTTING_DOWN,
      active_streams: status.inFlight,
      shutdown_duration: round(status.shutdownSeconds),
      ...finish(status),
    },
  };
}

/** When the drain is expected to end, with a chance of nine in ten, and when work is cut off. */
function finish({
  estimateMs,
  reason,
  deadlineAt,
}: NodeStatus): Record<string, number | string | null> {
  const known = estimateMs !== null;
  return {
    estimated_finish_seconds: known ? round(estimateMs / 1_000) : null,
    estimated_finish_at: known ? new Date(Date.now() + estimateMs).toISOString() : null,
    estimate_reason: known ? null : (reason ?? null),
    deadline_at: deadlineAt?.toISOString() ?? null,
  };
}

export function initiated(status: NodeStatus, already: boolean): Answer {
  return {
    status: 200,
    body: {
      status: already ? 'already_shutting_down' : 'shutdown_initiated',
      message: already
        ? `Shutdown has been under way for ${round(status.shutdownSeconds)} s`
        : 'Shutdown initiated: new work will be refused, work in flight goes on',
      active_streams: status.inFlight,
      ...(already ? { shutdown_duration: round(status.shutdownSeconds) } : {}),
    },
  };
}

export function draining(status: NodeStatus): Answer {
  return {
    status: 202,
    body: {
      status: 'draining',
      in_flight: status.inFlight,
      in_flight_by_kind: status.inFlightByKind,
      ...finish(status),
    },
  };
}

export function waited(
  result: { status: 'completed' | 'timeout' | 'undone'; cancelled?: number },
  activeStreams: number,
  seconds: number,
): Answer {
  const waited_seconds = round(seconds);
  if (result.status === 'undone')
    return {
      status: 409,
      body: { status: 'reset', message: 'The shutdown was undone while waiting', waited_seconds },
    };
  if (result.status === 'completed')
    return {
      status: 200,
      body: {
        status: 'completed',
        message: 'All work has finished',
        active_streams: 0,
        waited_seconds,
      },
    };
  return {
    status: 200,
    body: {
      status: 'timeout',
      message: 'The deadline passed; the remaining work was cancelled',
      active_streams: activeStreams,
      cancelled_streams: result.cancelled ?? 0,
      waited_seconds,
    },
  };
}

export const forbidden: Answer = {
  status: 403,
  body: {
    detail:
      'Only an operator may do this: call from loopback without a proxy, from a configured address, or with the bearer token',
  },
};

export const notAllowed = (allow: string): Answer => ({
  status: 405,
  body: { detail: `Method not allowed; use ${allow}` },
  headers: { allow },
});
