import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hookWaits } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/wait-post',
  level: 'MUST',
  sentence:
    'The same hook sent by hand with POST enters shutdown and is answered when the work is done.',
  source: 'Streaming service: people POST to /shutdown/wait, accept both',
  needs: ['wait', 'slow'],
  async run(ctx: Context) {
    const { slow, hook } = await hookWaits(ctx, 'POST');
    await ctx.succeeded(slow);
    await ctx.succeeded(hook);
  },
});
