import { defineCase } from '../../case.ts';
import { within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { cutEvent, streamInFlight } from '../events.ts';

export default defineCase({
  slug: 'sse/events-whole',
  level: 'MUST',
  sentence: 'Whatever ends a stream, no event is cut in the middle.',
  source: 'HTML standard section 9.2.6: an event that is not ended by a blank line is discarded',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange, tail } = await streamInFlight(ctx, ctx.config.grace * 4);
    ctx.target.signal();
    await within(exchange.done, ctx.patienceMs);
    if (exchange.bodyBytes === 0) ctx.notApplicable('the stream ended before its first event');
    const cut = cutEvent(tail());
    ctx.check(cut === '', 'a blank line after the last event', JSON.stringify(cut.slice(-60)));
    await ctx.exit();
  },
});
