import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { acrossMs, settle, underWay } from '../support.ts';

/** A server need not send trailers to a client that did not say it takes them (RFC 9110 section 6.5.1). */
const headers = { te: 'trailers', connection: 'TE' };

export default defineCase({
  slug: 'http1/trailers',
  level: 'MUST',
  sentence: 'A chunked answer that spans the signal ends with its last chunk and its trailers.',
  source: 'RFC 9112 section 7.1.2 (chunked trailer section)',
  needs: ['trailers'],
  async run(ctx: Context) {
    await ctx.start();
    const before = await ctx.connect({ label: 'trailers before' });
    const short = before.send({ ...ctx.route('trailers', { ms: 50 }), headers });
    const usual = await ctx.usually(ctx.succeeded(short));
    if (usual.trailers.size === 0) ctx.notApplicable('already before the stop: no trailers came');
    const connection = await ctx.connect({ label: 'trailers' });
    const exchange = connection.send({
      ...ctx.route('trailers', { ms: acrossMs(ctx) }),
      headers,
    });
    await exchange.head;
    await settle(ctx);
    underWay(ctx, exchange);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    ctx.check(exchange.trailers.size > 0, 'the trailers of the answer', 'none came');
    await ctx.exit();
  },
});
