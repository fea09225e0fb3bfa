import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { underWay } from '../support.ts';

export default defineCase({
  slug: 'http1/large-response',
  level: 'MUST',
  sentence: 'A large answer that has begun when the signal comes arrives with its whole length.',
  source: 'RFC 9112 section 8 (a cut message is incomplete)',
  needs: ['large'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'large answer' });
    const exchange = connection.send(ctx.route('large', { bytes: 32_000_000 }));
    await exchange.head;
    underWay(ctx, exchange);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
