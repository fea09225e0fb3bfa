import { type Event, type Handover, HandoverError } from '@lastcall/handover';
import type { Lease } from 'lastcall';
import { eventOf, isFinal, type ResponseEvent } from './events.ts';
import { responseOf } from './work.ts';

/** An open stream of a response: nothing has been sent yet. */
export interface OpenStream {
  readonly id: string;
  /** The first event, when it was waited for. */
  readonly first?: Event | undefined;
  /** Number of the last event that the client has; 0 for none (the handover's numbers). */
  readonly after: number;
  readonly events: AsyncIterableIterator<Event>;
  /** Aborts when the connection has to end although the response goes on. */
  readonly signal: AbortSignal;
  readonly lease: Lease;
}

const isPastEnd = (error: unknown): boolean =>
  error instanceof HandoverError && error.code === 'ERR_HANDOVER_PAST_END';

/** The events after number `after`. Throws what `Handover.read` throws. */
export async function openEvents(
  handover: Handover,
  id: string,
  after: number,
  signal: AbortSignal,
): Promise<AsyncIterableIterator<Event>> {
  try {
    return await handover.read(id, { after, signal });
  } catch (error) {
    // The final event of a response that was cancelled or lost is not kept; a client may have it all the same.
    const work = isPastEnd(error) ? await handover.get(id) : undefined;
    if (work?.endedAt && work.state !== 'completed' && after === work.lastSeq + 1)
      return (async function* nothing() {})();
    throw error;
  }
}

/** A piece of the stream, and the number of the last event that whoever has read it has. */
interface Line {
  readonly text: string;
  readonly after: number;
}

const textOf = (event: ResponseEvent): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\nid: ${event.sequence_number}\n\n`;

/**
 * A response as server-sent events. Their ids are their sequence numbers, so that a client which
 * reconnects with `Last-Event-ID` or `starting_after`, to whichever worker, misses none.
 */
export async function* toSse(handover: Handover, stream: OpenStream): AsyncGenerator<Line> {
  const { id, signal, lease } = stream;
  let last = stream.after;
  let final = false;
  const sent = (event: Event): Line => {
    last = event.seq;
    final = isFinal(event.type);
    return { text: textOf(eventOf(id, event)), after: last };
  };
  try {
    if (stream.first) yield sent(stream.first);
    for await (const event of stream.events) yield sent(event);
  } catch (error) {
    if (!(error instanceof HandoverError) || error.code !== 'ERR_HANDOVER_CLOSED') throw error;
  }
  if (final) return;
  const work = signal.aborted ? undefined : await handover.get(id);
  if (work?.endedAt) {
    // No worker was left to write the end of what was cancelled or failed.
    if (work.state === 'completed' || last !== work.lastSeq) return;
    const response = responseOf(work);
    const type = response.status === 'failed' ? 'response.failed' : 'response.incomplete';
    yield { text: textOf({ type, sequence_number: last, response }), after: last + 1 };
    return;
  }
  lease.end('handed_over');
  yield { text: goesOn(id, last), after: last };
}

/** The last word of a connection whose response goes on in another worker. It is no event of the stream. */
function goesOn(id: string, last: number): string {
  const next = last === 0 ? '' : `&starting_after=${last - 1}`;
  const event = {
    type: 'error',
    code: 'server_shutting_down',
    message: `This connection ends, the response goes on: GET /v1/responses/${id}?stream=true${next}`,
    param: null,
    sequence_number: Math.max(0, last - 1),
  };
  return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
}
