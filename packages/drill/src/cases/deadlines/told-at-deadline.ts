import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { settle } from '../support.ts';

export default defineCase({
  slug: 'deadlines/told-at-deadline',
  level: 'SHOULD',
  sentence: 'A request cancelled at the deadline is answered (503), not cut.',
  source: 'RFC 9110 section 15.6.4; nothing accepted goes without an answer',
  needs: ['hang'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'hung request' });
    const exchange = connection.send(ctx.route('hang'));
    await settle(ctx);
    ctx.target.signal();
    await ctx.answered(exchange, 'an answer at the deadline');
    await ctx.exit();
  },
});
