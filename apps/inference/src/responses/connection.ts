import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Event, Handover } from '@lastcall/handover';
import type { Lease } from 'lastcall';
import { movable, onMoved } from 'lastcall/moving';
import type { LastMoments } from '../http/last-moments.ts';
import { isClientGone } from '../http/lease.ts';
import { openEvents, toSse } from './stream.ts';

/** The name under which workers give each other these connections. */
const kind = 'response';

/** Where a connection stands: all that another worker needs to go on with it. */
interface Place {
  readonly id: string;
  /** Number of the last event that has been written; 0 for none (the handover's numbers). */
  after: number;
  /** Nobody else wants the response: it is cancelled when this client goes. */
  readonly cancels: boolean;
}

type Events = AsyncIterableIterator<Event>;

export interface OpenConnection {
  readonly events: Events;
  readonly first?: Event | undefined;
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly lease: Lease;
}

interface Parts {
  /** Answers once the database is there. */
  readonly handover: () => Handover;
  readonly lastMoments: LastMoments;
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/**
 * The connections that event streams of responses are written to. In a supervised node each moves
 * to another worker when its own retires; its client does not notice.
 */
export class ResponseConnections {
  readonly #parts: Parts;

  /** Made once at start-up: from then on connections of other workers are taken. */
  constructor(parts: Parts) {
    this.#parts = parts;
    onMoved<{ place: Place; events: Events; stop: AbortController }>(
      kind,
      ({ response, lease, state: { place, events, stop } }) => {
        const signal = this.signalOf(lease);
        if (signal.aborted) stop.abort();
        const end = (): void => stop.abort();
        signal.addEventListener('abort', end, { once: true });
        if (place.cancels) this.cancelWithClient(lease.signal, place.id);
        // A listener that stays would keep the connection's signal for as long as this worker lives.
        return this.#write(response, { place, events, signal, lease }).finally(() =>
          signal.removeEventListener('abort', end),
        );
      },
      {
        thaw: async (state, context) => {
          const place = state as Place;
          const stop = new AbortController();
          const signal = AbortSignal.any([context.signal, stop.signal]);
          const events = await openEvents(parts.handover(), place.id, place.after, signal);
          return { place, events, stop };
        },
      },
    );
  }

  /** Aborts when a connection has to end although its response goes on. */
  signalOf({ signal }: Lease): AbortSignal {
    return AbortSignal.any([signal, this.#parts.lastMoments.signal]);
  }

  /** Answers a request with the events of its response. */
  async send(
    request: FastifyRequest,
    reply: FastifyReply,
    open: OpenConnection,
  ): Promise<FastifyReply> {
    if (request.method === 'HEAD') {
      await open.events.return?.();
      return reply.headers(headers).send();
    }
    reply.hijack();
    reply.raw.writeHead(200, headers);
    void this.#write(reply.raw, open);
    return reply;
  }

  /** Cancels a response when its client goes: nobody else wants it. */
  cancelWithClient(signal: AbortSignal, id: string): void {
    const onAbort = (): void => {
      if (!isClientGone(signal)) return;
      // A database that is away forgets nothing: the response then comes to its own end.
      this.#parts
        .handover()
        .cancel(id, 'its client went away')
        .catch(() => undefined);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  }

  /** The place and the write change in one turn, so that it is true whenever it is asked for. */
  async #write(response: ServerResponse, open: OpenConnection): Promise<void> {
    const { place } = open;
    movable(response, { kind, freeze: () => place });
    const { id, after } = place;
    try {
      for await (const line of toSse(this.#parts.handover(), { ...open, id, after })) {
        if (response.destroyed) return;
        place.after = line.after;
        if (!response.write(line.text)) await drained(response);
      }
      if (!response.destroyed) response.end();
    } catch {
      // Its client reads on by number.
      response.destroy();
    }
  }
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
    if (response.destroyed) done();
  });
