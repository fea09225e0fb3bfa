import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { until } from '../../engine/clock.ts';
import { reload, workers } from '../reloading.ts';

export default defineCase({
  slug: 'reload/workers-replaced',
  level: 'MUST',
  sentence: 'After the reload new workers serve and the old ones have gone.',
  source: 'A reload that changes nothing is none',
  needs: ['reload', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    const before = workers(ctx);
    if (before.length === 0) ctx.notApplicable('the server has no workers to replace');
    await reload(ctx);
    const { grace, force, readyWithin } = ctx.config;
    const replaced = await until(
      () => {
        const now = workers(ctx);
        const old = now.filter((pid) => before.includes(pid));
        return now.length > 0 && old.length === 0 ? true : undefined;
      },
      grace + force + readyWithin,
      100,
    );
    ctx.check(replaced === true, 'other workers than before', workers(ctx).join(', '));
    const answer = await ctx.ask(ctx.route('fast'));
    ctx.check(answer.status === 200, 'the new workers to serve', String(answer));
  },
});
