import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { exitsBeforeDeadline, settle } from '../support.ts';

export default defineCase({
  slug: 'connections/silent',
  level: 'MUST',
  sentence: 'Connections on which nothing was ever sent do not hold the exit.',
  source: 'Load balancers and browsers open connections ahead of need',
  needs: [],
  async run(ctx: Context) {
    await ctx.start();
    await ctx.connectMany(20);
    await settle(ctx);
    ctx.target.signal();
    await exitsBeforeDeadline(ctx, 'with 20 silent connections');
  },
});
