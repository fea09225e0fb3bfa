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
    await ctx.succeeded(slow);
    const earlyMs = Math.round((slow.settledMs ?? 0) - (hook.settledMs ?? 0));
    // Answers that were sent together may be read in either order.
    const actual = `${earlyMs} ms before the slow request`;
    ctx.check(earlyMs < 50, 'the hook to be answered after the work', actual);
  },
});
