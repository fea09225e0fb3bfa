// Event streams as a client reads them (HTML standard, section 9.2).
import type { Exchange } from '../engine/account.ts';
import type { Context } from '../engine/context.ts';
import { settle, underWay } from './support.ts';

const keptBytes = 65_536;

export interface EventStream {
  readonly exchange: Exchange;
  /** The end of what came, its lines ended by \n however the server ends them. */
  readonly tail: () => string;
}

/** A stream of `ms` that runs when this returns. */
export async function streamInFlight(ctx: Context, ms: number): Promise<EventStream> {
  const connection = await ctx.connect({ label: 'stream' });
  const exchange = connection.send(ctx.route('stream', { ms }));
  const tail = tailOf(exchange);
  await exchange.head;
  await settle(ctx);
  underWay(ctx, exchange);
  return { exchange, tail };
}

/** A stream may be of any length, and the exchange keeps the beginning. */
export function tailOf(exchange: Exchange): () => string {
  let kept: Buffer = Buffer.alloc(0);
  exchange.onBody = (chunk) => {
    kept = Buffer.concat([kept, chunk]).subarray(-keptBytes);
  };
  return () => kept.toString('utf8').replaceAll(/\r\n?/g, '\n');
}

/** Comments keep a connection alive and are no events. */
const isComment = (line: string): boolean => line.startsWith(':');

/** The last event, its numbers left out. */
export function lastEvent(text: string): string {
  const blocks = text.trimEnd().split(/\n{2,}/);
  const last = blocks.findLast((block) => !block.split('\n').every(isComment));
  return (last ?? '').replaceAll(/\d+(?:\.\d+)?/g, 'N');
}

/** What came of an event that no blank line ends; empty when there is none. */
export function cutEvent(text: string): string {
  const rest = text.split('\n\n').at(-1) ?? '';
  const fields = rest.split('\n').filter((line) => line !== '' && !isComment(line));
  return fields.join('\n');
}
