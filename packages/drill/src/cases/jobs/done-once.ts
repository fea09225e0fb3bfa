import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { doneAfterRestart, submitAtRisk } from '../submitting.ts';

export default defineCase({
  slug: 'jobs/done-once',
  level: 'MUST',
  sentence: 'No job is done twice because of the stop.',
  source: 'Task service: no effect happens twice',
  needs: ['submit', 'jobs'],
  async run(ctx: Context) {
    await ctx.start();
    await submitAtRisk(ctx, 6);
    ctx.target.signal();
    await ctx.exit();
    const done = await doneAfterRestart(ctx);
    ctx.check(done <= 6, '6 jobs done', `${done}`);
  },
});
