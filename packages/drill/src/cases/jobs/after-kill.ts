import { defineCase } from '../../case.ts';
import { sleep } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { doneAfterRestart, submitOne } from '../submitting.ts';

export default defineCase({
  slug: 'jobs/after-kill',
  level: 'MUST',
  sentence: 'A job in the middle of which the server is killed is done soon after the restart.',
  source: 'Kubernetes: SIGKILL follows the grace period; task service: no running task is lost',
  needs: ['submit', 'jobs'],
  async run(ctx: Context) {
    const ms = ctx.workMs * 2;
    await ctx.start();
    await submitOne(ctx, 'killed', ms);
    await sleep(ctx.workMs);
    ctx.target.signal('SIGKILL', -ctx.target.pid);
    await ctx.exit();
    const done = await doneAfterRestart(ctx, ms);
    ctx.check(done === 1, '1 job done', `${done}`);
  },
});
