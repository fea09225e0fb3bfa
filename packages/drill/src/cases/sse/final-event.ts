import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { streamInFlight } from '../events.ts';

export default defineCase({
  slug: 'sse/final-event',
  level: 'MUST',
  sentence: 'A stream cancelled at the deadline ends in order: a last event, then the last chunk.',
  source: 'Streaming service: at the deadline each client gets a proper final event',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await streamInFlight(ctx, ctx.config.grace * 4);
    ctx.target.signal();
    await ctx.answered(exchange, 'an orderly end of the stream');
    await ctx.exit();
  },
});
