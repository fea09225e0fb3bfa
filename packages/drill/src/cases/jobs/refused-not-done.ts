import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stopNoticed } from '../support.ts';
import { doneAfterRestart, submit, submitAll } from '../submitting.ts';

export default defineCase({
  slug: 'jobs/refused-not-done',
  level: 'MUST',
  sentence: 'A job that was refused is not done: its sender will give it to another instance.',
  source: 'Task service: a task refused here lands on another instance, once',
  needs: ['submit', 'jobs'],
  async run(ctx: Context) {
    await ctx.start();
    await submitAll(ctx, 3);
    if (ctx.config.routes.slow !== undefined) await slowInFlight(ctx); // holds the drain
    ctx.target.signal();
    await stopNoticed(ctx);
    const late = await submit(ctx, 'late').catch(() => undefined);
    if (late?.status !== 503) ctx.notApplicable('the server refused no job with 503');
    await ctx.exit();
    const done = await doneAfterRestart(ctx);
    ctx.check(done <= 3, '3 jobs done', `${done}`);
  },
});
