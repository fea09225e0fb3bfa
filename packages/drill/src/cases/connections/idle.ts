import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { exitsBeforeDeadline, usedConnections } from '../support.ts';

export default defineCase({
  slug: 'connections/idle',
  level: 'MUST',
  sentence: 'Idle kept-alive connections do not hold the exit.',
  source: 'RFC 9112 section 9.5; terminationGracePeriodSeconds is for work',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    await usedConnections(ctx, 20);
    ctx.target.signal();
    await exitsBeforeDeadline(ctx, 'with 20 idle connections');
  },
});
