import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { streamInFlight } from '../events.ts';
import { acrossMs } from '../support.ts';

export default defineCase({
  slug: 'sse/stream-finishes',
  level: 'MUST',
  sentence: 'A stream that runs when the signal comes is carried to its end.',
  source: 'Streaming service: draining refuses only new streams',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const ms = acrossMs(ctx);
    const streams = await Promise.all([1, 2, 3].map(() => streamInFlight(ctx, ms)));
    ctx.target.signal();
    for (const { exchange } of streams) await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
