import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stopNoticed } from '../support.ts';
import { doneAfterRestart, submit, submitAll } from '../submitting.ts';

export default defineCase({
  slug: 'jobs/accepted-while-draining',
  level: 'MUST',
  sentence: 'A job submitted during the drain is refused, or else done: its acceptance is kept.',
  source: 'Task service: the check is made in the application too, atomically',
  needs: ['submit', 'jobs'],
  async run(ctx: Context) {
    await ctx.start();
    await submitAll(ctx, 3);
    if (ctx.config.routes.slow !== undefined) await slowInFlight(ctx); // holds the drain
    ctx.target.signal();
    await stopNoticed(ctx);
    let accepted = 3;
    for (let index = 0; index < 3; index += 1) {
      const answer = await submit(ctx, `late-${index}`).catch(() => undefined);
      if (answer !== undefined && answer.status >= 200 && answer.status < 300) accepted += 1;
    }
    await ctx.exit();
    const done = await doneAfterRestart(ctx);
    ctx.check(done >= accepted, `${accepted} jobs done`, `${done}`);
  },
});
