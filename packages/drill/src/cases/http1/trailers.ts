import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { settle } from '../support.ts';

export default defineCase({
  slug: 'http1/trailers',
  level: 'MUST',
  sentence: 'A chunked answer that spans the signal ends with its last chunk and its trailers.',
  source: 'RFC 9112 section 7.1.2 (chunked trailer section)',
  needs: ['trailers'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'trailers' });
    const exchange = connection.send(ctx.route('trailers', { ms: ctx.workMs }));
    await exchange.head;
    await settle(ctx);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    ctx.check(exchange.trailers.size > 0, 'the trailers of the answer', 'none came');
    await ctx.exit();
  },
});
