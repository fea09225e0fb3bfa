import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { settle, underWay } from '../support.ts';

export default defineCase({
  slug: 'http1/half-head',
  level: 'MUST',
  sentence: 'A request whose head had half arrived at the signal is answered once it is whole.',
  source: 'RFC 9112 section 9.6; a request that has begun to arrive is on the wire',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'half a head' });
    const request = ctx.route('fast');
    const bytes = connection.bytes(request);
    const exchange = connection.owe(request.method, request.path);
    connection.write(bytes.subarray(0, 12));
    await settle(ctx);
    underWay(ctx, exchange);
    ctx.target.signal();
    await sleep(500);
    connection.write(bytes.subarray(12));
    await ctx.answered(exchange);
    await ctx.exit();
  },
});
