import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { lateUpgrade } from '../upgrade.ts';

export default defineCase({
  slug: 'websocket/upgrade-answered',
  level: 'MUST',
  sentence: 'An upgrade during the drain gets an HTTP answer, it is not cut.',
  source: 'RFC 6455 section 4.2.2: an HTTP response with an error code',
  needs: ['websocket', 'slow'],
  async run(ctx: Context) {
    const exchange = await lateUpgrade(ctx);
    await ctx.answered(exchange);
  },
});
