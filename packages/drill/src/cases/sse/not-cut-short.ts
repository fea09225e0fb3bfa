import { defineCase } from '../../case.ts';
import type { Exchange } from '../../engine/account.ts';
import type { Context } from '../../engine/context.ts';
import { lastEvent, streamInFlight, tailOf } from '../events.ts';
import { acrossMs } from '../support.ts';

const lastedMs = ({ sentMs, settledMs = sentMs }: Exchange): number =>
  Math.round(settledMs - sentMs);

export default defineCase({
  slug: 'sse/not-cut-short',
  level: 'MUST',
  sentence: 'A stream within the grace ends with the same last event as without a signal.',
  source: 'Streaming service: registered streams go on to their end',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const ms = acrossMs(ctx);
    const before = await ctx.connectMany(2);
    const [usual, again] = await Promise.all(
      before.map(async (one) => {
        const exchange = one.send(ctx.route('stream', { ms }));
        const tail = tailOf(exchange);
        await ctx.usually(ctx.succeeded(exchange));
        return { last: lastEvent(tail()), ms: lastedMs(exchange) };
      }),
    );
    if (usual === undefined || usual.last !== again?.last) {
      ctx.notApplicable('the last event of a stream is never the same');
    }
    const { exchange, tail } = await streamInFlight(ctx, ms);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    const actual = lastEvent(tail());
    ctx.check(actual === usual.last, `the last event ${usual.last}`, actual);
    // Where every event is like the last one, only the time tells.
    const usualMs = Math.min(usual.ms, again.ms);
    const tookMs = lastedMs(exchange);
    ctx.check(tookMs > usualMs / 2, `a stream of ${usualMs} ms, as before`, `${tookMs} ms`);
    await ctx.exit();
  },
});
