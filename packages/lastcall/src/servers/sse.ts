import type { IncomingMessage } from 'node:http';
import type { LastcallError } from '../errors.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { PeerCounts } from '../telemetry/counters.ts';
import { leaseOf } from './http.ts';
import { type Farewell, PeerDrain } from './support/peer-drain.ts';
import { markAttached } from './support/attached.ts';
import { resolveLimits, wrongOption } from './support/peer-options.ts';
import type { SseEvent } from './support/sse-format.ts';
import { type SseRequest, type SseResponse, SseStream } from './support/sse-stream.ts';

export type { PeerCounts } from '../telemetry/counters.ts';
export type { Farewell } from './support/peer-drain.ts';
export type { SseEvent } from './support/sse-format.ts';
export type { SseRequest, SseResponse, SseStream } from './support/sse-stream.ts';

const HEARTBEAT_MS = 15_000;

export interface SseOptions {
  /** The longest silence, in ms: a comment is sent after at least three quarters of it. Default 15,000; 0: never. */
  heartbeatMs?: number;
  /** What the client is told to wait before it connects again, in ms. Default: its own choice. */
  retryMs?: number;
  /** The last event of a feed that is closed on drain. Default: the `retry` field alone. */
  farewell?: (stream: SseStream, farewell: Farewell) => SseEvent;
  /** Closes of feeds are spread over this time, in ms. Default 0: at once. */
  closeWindowMs?: number;
  /** The `retry` times of closed feeds are spread over this time, in ms. Default 5,000. */
  reconnectWindowMs?: number;
  /** How long a client may take to read the end of a feed, in ms. Default 2,000. */
  closeTimeoutMs?: number;
}

export interface SseOpenOptions {
  /**
   * A subscription that has no end of its own and is owed nothing: it is closed on drain with a
   * farewell. Default false: the stream is work, and runs on to its end or the deadline.
   */
  feed?: boolean;
  /** The last event when the stream is cancelled; without it the handler ends the stream itself. */
  onCancel?: (reason: LastcallError) => SseEvent;
  /** Headers to send besides those of an event stream. */
  headers?: Record<string, string>;
}

/** Opens event streams on one lifecycle. */
export interface SseStreams {
  /** Answers a request with an event stream. The raw request and response of any framework do. */
  open(request: SseRequest, response: SseResponse, options?: SseOpenOptions): SseStream;
  /** The feeds; streams that are work are counted in the ledger. */
  readonly counts: Readonly<PeerCounts>;
}

/**
 * Server-sent events on a lifecycle, over HTTP/1.1 or HTTP/2. The server itself is attached by its
 * own adapter. Throws `ERR_LASTCALL_ATTACHED` or `ERR_LASTCALL_OPTION`.
 */
export function attachSse(lifecycle: Lifecycle, options: SseOptions = {}): SseStreams {
  const { heartbeatMs = HEARTBEAT_MS, retryMs, farewell } = options;
  if (!Number.isFinite(heartbeatMs) || heartbeatMs < 0)
    throw wrongOption('heartbeatMs', 'a number of milliseconds', heartbeatMs);
  if (farewell !== undefined && typeof farewell !== 'function')
    throw wrongOption('farewell', 'a function', farewell);
  const limits = resolveLimits(options);
  const feeds = new PeerDrain<SseStream>(
    lifecycle,
    {
      name: 'feed',
      tell: () => undefined,
      close: (stream, facts) =>
        stream.end({ retryMs: facts.reconnectAfterMs, ...farewell?.(stream, facts) }),
      terminate: (stream) => stream.destroy(),
    },
    limits,
  );
  markAttached('attachSse', lifecycle);
  lifecycle.attach(feeds);

  return {
    counts: feeds.counts,
    open(request, response, { feed = false, onCancel, headers = {} } = {}) {
      const lease = leaseOf(request as IncomingMessage);
      if (lease) lease.kind = feed ? 'feed' : 'stream';
      const stream = new SseStream(request, response, lease, {
        heartbeatMs,
        retryMs,
        onCancel,
        headers,
      });
      // Of a client that went while the handler waited, nothing more would be heard.
      if (feed && !stream.ended) {
        stream.onClose((flushed) => feeds.gone(stream, flushed));
        feeds.add(stream);
      }
      return stream;
    },
  };
}
