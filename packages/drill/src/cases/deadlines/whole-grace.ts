import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'deadlines/whole-grace',
  level: 'MUST',
  sentence: 'Work that needs most of the grace gets it.',
  source: 'Kubernetes: the grace period is the time to finish in',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx, Math.round(ctx.config.grace * 0.7));
    ctx.target.signal();
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
