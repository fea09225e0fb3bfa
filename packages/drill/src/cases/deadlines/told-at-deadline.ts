import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hungInFlight } from '../support.ts';

export default defineCase({
  slug: 'deadlines/told-at-deadline',
  level: 'SHOULD',
  sentence: 'A request cancelled at the deadline is answered (503), not cut.',
  source: 'RFC 9110 section 15.6.4; nothing accepted goes without an answer',
  needs: ['hang'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await hungInFlight(ctx);
    ctx.target.signal();
    await ctx.answered(exchange, 'an answer at the deadline');
    await ctx.exit();
  },
});
