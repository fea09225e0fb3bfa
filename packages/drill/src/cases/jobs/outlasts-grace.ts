import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { doneAfterRestart, submitOne } from '../submitting.ts';

export default defineCase({
  slug: 'jobs/outlasts-grace',
  level: 'MUST',
  sentence:
    'A job that is longer than the grace does not hold the exit, and is done after the restart.',
  source: 'Kubernetes: SIGKILL follows the grace period; task service: no running task is lost',
  needs: ['submit', 'jobs'],
  async run(ctx: Context) {
    const { grace, force, leave } = ctx.config;
    const ms = leave + grace + force + 4000; // longer than the longest exit that is waited for
    await ctx.start();
    await submitOne(ctx, 'long', ms);
    ctx.target.signal();
    await ctx.exit();
    const done = await doneAfterRestart(ctx, ms);
    ctx.check(done === 1, '1 job done', `${done}`);
  },
});
