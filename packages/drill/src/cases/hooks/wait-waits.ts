import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hookWaits } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/wait-waits',
  level: 'MUST',
  sentence: 'The waiting hook is not answered before the last work in flight is done.',
  source: 'Kubernetes: preStop runs to its end before SIGTERM is sent',
  needs: ['wait', 'slow'],
  async run(ctx: Context) {
    const { slow, hook } = await hookWaits(ctx, 'POST');
    await ctx.succeeded(hook);
    // Both may arrive in one turn of our own loop, in either order.
    const early = slow.outcome === 'pending' ? 'before the slow request' : 'after it';
    ctx.check(early === 'after it', 'the hook to be answered after the work', early);
    await ctx.succeeded(slow);
  },
});
