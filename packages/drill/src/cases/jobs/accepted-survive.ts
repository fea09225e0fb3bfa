import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { doneAfterRestart, submitAtRisk } from '../submitting.ts';

export default defineCase({
  slug: 'jobs/accepted-survive',
  level: 'MUST',
  sentence: 'Every job accepted before the signal is done, here or after the restart.',
  source: 'Task service: all queued and running tasks are finished or handed over',
  needs: ['submit', 'jobs'],
  async run(ctx: Context) {
    await ctx.start();
    await submitAtRisk(ctx, 6);
    ctx.target.signal();
    await ctx.exit();
    const done = await doneAfterRestart(ctx);
    ctx.check(done >= 6, '6 jobs done', `${done}`);
  },
});
