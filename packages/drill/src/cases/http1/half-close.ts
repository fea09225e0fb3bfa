import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, within } from '../../engine/clock.ts';
import { acrossMs, settle, settleStopping, underWay } from '../support.ts';

export default defineCase({
  slug: 'http1/half-close',
  level: 'SHOULD',
  sentence: 'A client that closes its sending side after the request still gets its answer.',
  source: 'RFC 9293 section 3.6 (half-closed connections); only where the server does so normally',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const before = await ctx.connect({ label: 'half-closed before' });
    const usual = before.send(ctx.route('slow', { ms: 100 }));
    before.finish();
    const served = await within(usual.done, 3000);
    if (served === late || served.outcome !== 'answered') {
      ctx.notApplicable('the server never answers a half-closed client');
    }
    const connection = await ctx.connect({ label: 'half-closed across' });
    const exchange = connection.send(ctx.route('slow', { ms: acrossMs(ctx) }));
    await settle(ctx);
    underWay(ctx, exchange);
    ctx.target.signal();
    await settleStopping(ctx);
    connection.finish();
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
