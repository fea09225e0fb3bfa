import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { stillWorking } from '../support.ts';
import { hookWaits } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/wait-and-signal',
  level: 'MUST',
  sentence: 'A signal while the hook waits cuts neither the hook nor the work.',
  source: 'Kubernetes: SIGTERM follows when the hook has used up its time',
  needs: ['wait', 'slow'],
  async run(ctx: Context) {
    const { slow, hook } = await hookWaits(ctx, 'GET');
    await sleep(50);
    stillWorking(ctx, slow);
    ctx.target.signal();
    await ctx.succeeded(slow);
    await ctx.succeeded(hook);
    await ctx.exit();
  },
});
