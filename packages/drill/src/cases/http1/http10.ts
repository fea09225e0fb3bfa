import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { acrossMs, settle, underWay } from '../support.ts';

export default defineCase({
  slug: 'http1/http10',
  level: 'MUST',
  sentence: 'An HTTP/1.0 request being worked on at the signal is answered in full.',
  source: 'RFC 9112 section 9.3 and appendix C.2 (HTTP/1.0)',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'HTTP/1.0' });
    const exchange = connection.send({
      ...ctx.route('slow', { ms: acrossMs(ctx) }),
      version: '1.0',
    });
    await settle(ctx);
    underWay(ctx, exchange);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
