import type { ServerResponse } from 'node:http';
import { movable, onMoved } from 'lastcall/moving';
import type { SseEvent, SseRequest, SseResponse, SseStream, SseStreams } from 'lastcall/sse';
import type { HandoverError } from './errors.ts';
import type { Handover } from './handover.ts';
import type { Event, Tail } from './tail.ts';

export interface ServeStreamsOptions {
  /** What the client gets for an event; its `id` must be the number. Default: number, type and data. */
  format?: (event: Event) => SseEvent;
  /** The name under which workers give each other these streams. Default `handover`. */
  kind?: string;
}

/** Where a stream stands: all that another worker needs to go on. */
interface Place {
  id: string;
  after: number;
}

interface Reading {
  tail: Tail;
  after: number;
}

/** Answers requests with the events of works. */
export interface ServedStreams {
  /**
   * Answers with the events of work `id`, after the one that the client names in `Last-Event-ID` (or
   * after number `after`), until the work has ended. Rejects as `Handover.read` does, before anything
   * is sent.
   */
  open(
    request: SseRequest,
    response: SseResponse,
    id: string,
    options?: { after?: number },
  ): Promise<SseStream>;
}

/**
 * Events of works as server-sent events. In a supervised node such a stream moves to another worker
 * with its connection when this one retires, and the application need not do anything for it.
 */
export function serveStreams(
  handover: Handover,
  sse: SseStreams,
  { kind = 'handover', format = plain }: ServeStreamsOptions = {},
): ServedStreams {
  // `after` is what the client has got; the reader may have been given more by now.
  const begin = (
    request: SseRequest,
    response: SseResponse,
    { tail, after }: Reading,
  ): SseStream => {
    const stream = sse.open(request, response);
    const place: Place = { id: tail.id, after };
    movable(response as ServerResponse, { kind, freeze: () => place });
    stream.onClose(() => void tail.return());
    void pump(stream, tail, place, format);
    return stream;
  };
  onMoved<Reading>(kind, ({ request, response, state }) => void begin(request, response, state), {
    thaw: async (place, { signal }) => {
      const { id, after } = place as Place;
      return { tail: await handover.read(id, { after, signal }), after };
    },
  });
  return {
    async open(request, response, id, { after = lastSeen(request) } = {}) {
      const tail = await handover.read(id, { after });
      return begin(request, response, { tail, after });
    },
  };
}

/** The place and the write change in one turn, so that it is true whenever it is asked for. */
async function pump(
  stream: SseStream,
  tail: Tail,
  place: Place,
  format: (event: Event) => SseEvent,
): Promise<void> {
  try {
    for await (const event of tail) {
      place.after = event.seq;
      if (!(await stream.send(format(event)))) return;
    }
    stream.end();
  } catch (error) {
    const { code } = error as Partial<HandoverError>;
    // The client reads on elsewhere: it knows the last number it got.
    if (code === 'ERR_HANDOVER_CLOSED') stream.end();
    else stream.end({ event: 'error', data: { code: code ?? 'ERR_HANDOVER_UNKNOWN' } });
  }
}

const plain = ({ seq, type, data }: Event): SseEvent => ({ id: seq, event: type, data });

function lastSeen({ headers }: SseRequest): number {
  const id = Number(headers['last-event-id'] ?? 0);
  return Number.isSafeInteger(id) && id >= 0 ? id : 0;
}
