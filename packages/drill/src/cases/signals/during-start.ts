import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';

export default defineCase({
  slug: 'signals/during-start',
  level: 'MUST',
  sentence: 'A signal that comes while the server still starts ends it.',
  source: 'Kubernetes, termination of Pods: a starting container is stopped with the same signal',
  needs: ['variant:slowStart'],
  async run(ctx: Context) {
    const target = await ctx.start({ variant: 'slowStart', wait: false });
    await sleep(Math.max(500, ctx.workMs)); // by then its program runs
    if (target.exit !== undefined) ctx.notApplicable('it ended by itself before the signal');
    target.signal();
    await ctx.exit();
  },
});
