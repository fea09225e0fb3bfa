import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { LastcallError } from '../../errors.ts';
import type { Lease } from '../../ledger/lease.ts';
import { isResumed } from '../../moving/http-arrival.ts';
import { formatComment, formatEvent, type SseEvent } from './sse-format.ts';

export type SseRequest = IncomingMessage | Http2ServerRequest;
export type SseResponse = ServerResponse | Http2ServerResponse;

export interface SseSettings {
  heartbeatMs: number;
  retryMs: number | undefined;
  /** The last event of a stream that is cancelled. */
  onCancel: ((reason: LastcallError) => SseEvent) | undefined;
  headers: Readonly<Record<string, string>>;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would collect events before it passes them on.
  'x-accel-buffering': 'no',
};

/** Nobody would read a last event: the client has gone, or another worker writes to it. */
const GONE: ReadonlySet<string> = new Set(['ERR_LASTCALL_CLIENT_GONE', 'ERR_LASTCALL_MOVED']);

/** Silence is counted in quarters of a heartbeat's time: to note a write is cheaper than to move a timer. */
const QUARTERS = 4;

const OPEN = Promise.resolve(true);
const ENDED = Promise.resolve(false);

/** Writes one event stream: ids, heartbeats, back-pressure, and a final event that is flushed. */
export class SseStream {
  /** The id of the last event that the client has seen, from `Last-Event-ID`. */
  readonly lastEventId: string | undefined;
  /** The work that this stream is; undefined where no lifecycle has admitted it. */
  readonly lease: Lease | undefined;
  readonly #response: SseResponse;
  readonly #heartbeat: NodeJS.Timeout | undefined;
  #silentQuarters = 0;
  #wrote = false;
  #ended = false;
  #closed = false;
  /** Run when the connection is done with this stream. */
  readonly #atClose = new Set<() => void>();

  constructor(
    request: SseRequest,
    response: SseResponse,
    lease: Lease | undefined,
    settings: SseSettings,
  ) {
    this.lease = lease;
    this.lastEventId = lastEventIdOf(request);
    this.#response = response;
    response.on('error', ignore);
    // Its close has been and gone, or will tell nothing new.
    if (isOver(request, response)) {
      this.#close();
      return;
    }
    this.#watch(request, response);
    // A stream that another worker has begun has sent its head.
    if (!isResumed(response)) this.#begin(settings);
    if (settings.heartbeatMs > 0)
      this.#heartbeat = setInterval(() => this.#beat(), settings.heartbeatMs / QUARTERS).unref();
    const { onCancel } = settings;
    if (lease && onCancel) this.#endWith(lease.signal, onCancel);
  }

  /** Aborts when the stream is to end: at the deadline, on revoke, when the client has gone. */
  get signal(): AbortSignal | undefined {
    return this.lease?.signal;
  }

  /** The client has gone, or the last event has been written. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Writes an event. Resolves to true when the next one may be written: at once, or when a slow
   * client has caught up; to false when the stream has ended.
   * Throws `ERR_LASTCALL_OPTION` for a field that would break the format.
   */
  send(event: SseEvent): Promise<boolean> {
    return this.#say(formatEvent(event));
  }

  /** Writes a comment, which clients ignore. Resolves as `send` does. */
  comment(text: string): Promise<boolean> {
    return this.#say(formatComment(text));
  }

  /** Writes a last event, if one is given, and ends the stream. */
  end(event?: SseEvent): void {
    if (this.#ended) return;
    // First, since it may throw: the handler can still end the stream with another one.
    const text = event ? formatEvent(event) : undefined;
    this.#stop();
    (this.#response as ServerResponse).end(text);
  }

  /** Cuts the connection, or the stream of an HTTP/2 connection. */
  destroy(): void {
    this.#stop();
    (this.#response as ServerResponse).destroy();
  }

  /** Calls `listener` once, when the connection is done with this stream; soon, when it is already. */
  onClose(listener: (flushed: boolean) => void): void {
    // The answers of node:http2 are `writableFinished` also when they were cut.
    const tell = (): void =>
      listener(this.#response.writableEnded && this.#response.writableFinished);
    if (this.#closed) queueMicrotask(tell);
    else this.#atClose.add(tell);
  }

  #watch(request: SseRequest, response: SseResponse): void {
    const close = (): void => this.#close();
    response.once('close', close);
    if ('stream' in request || response.socket !== null) return;
    // An answer that waits behind another one hears nothing of its connection before Node 24.
    const { socket } = request;
    socket.once('close', close);
    response.once('close', () => socket.off('close', close));
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    for (const run of this.#atClose) run();
  }

  /** Ends the stream with a last event when its work is cancelled. */
  #endWith(signal: AbortSignal, onCancel: (reason: LastcallError) => SseEvent): void {
    const cancel = (): void => {
      const reason = signal.reason as LastcallError;
      if (!this.#ended && !GONE.has(reason.code)) this.end(onCancel(reason));
    };
    // Cancelled while the handler made up its mind: it has this turn for what it must still send.
    if (signal.aborted) queueMicrotask(cancel);
    else signal.addEventListener('abort', cancel);
  }

  #begin({ headers, retryMs }: SseSettings): void {
    // One response class is typed for each protocol version; both write heads alike.
    const response = this.#response as ServerResponse;
    response.writeHead(200, { ...HEADERS, ...headers });
    if (retryMs !== undefined) this.#write(formatEvent({ retryMs }));
    // The head leaves with the first events, in one packet; alone when none come in this turn.
    else process.nextTick(() => this.#flushHead());
  }

  #flushHead(): void {
    if (!this.#wrote && !this.#ended) (this.#response as ServerResponse).flushHeaders();
  }

  #say(text: string): Promise<boolean> {
    if (this.#ended) return ENDED;
    return this.#write(text) ? OPEN : this.#drained();
  }

  #write(text: string): boolean {
    this.#wrote = true;
    this.#silentQuarters = 0;
    return (this.#response as ServerResponse).write(text);
  }

  #beat(): void {
    this.#silentQuarters += 1;
    // A client that does not keep up is not silent.
    if (this.#response.writableLength > 0) this.#silentQuarters = 0;
    else if (this.#silentQuarters === QUARTERS) this.#write(formatComment(''));
  }

  #drained(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#response.off('drain', done);
        this.#atClose.delete(done);
        resolve(!this.#ended);
      };
      this.#response.on('drain', done);
      this.#atClose.add(done);
    });
  }

  #stop(): void {
    this.#ended = true;
    clearInterval(this.#heartbeat);
  }
}

/** A connection that was cut shows as the close of its response. */
function ignore(): void {}

/** Nothing can be written any more: the client has gone, or the answer has ended. */
function isOver(request: SseRequest, response: SseResponse): boolean {
  if (response.writableEnded) return true;
  if ('stream' in request) return request.stream.destroyed || request.stream.closed;
  // An answer that waits behind another one on its connection has no socket of its own.
  return (response as ServerResponse).destroyed || request.socket.destroyed;
}

/** node:http reads headers as Latin-1; the id is UTF-8 (HTML standard, section 9.2.4). */
function lastEventIdOf(request: SseRequest): string | undefined {
  const id = request.headers['last-event-id'];
  return typeof id === 'string' && id !== '' ? Buffer.from(id, 'latin1').toString() : undefined;
}
