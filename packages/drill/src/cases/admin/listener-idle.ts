import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { exitsBeforeDeadline, settle } from '../support.ts';

export default defineCase({
  slug: 'admin/listener-idle',
  level: 'MUST',
  sentence: 'Connections that stay open on the admin listener do not hold the exit.',
  source: 'A scraper keeps its connection alive; terminationGracePeriodSeconds is for work',
  needs: ['port:admin', 'live'],
  async run(ctx: Context) {
    await ctx.start();
    for (const index of [0, 1, 2, 3, 4, 5]) {
      const connection = await ctx.connect({ port: 'admin', label: 'admin connection' });
      // Some have been used, some have never sent a byte.
      if (index % 2 === 0) await ctx.answered(connection.send(ctx.route('live')));
    }
    await settle(ctx);
    ctx.target.signal();
    await exitsBeforeDeadline(ctx, 'with idle connections on the admin listener');
  },
});
