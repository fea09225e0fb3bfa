import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { reload, replaced, workers } from '../reloading.ts';
import { isSuccess } from '../support.ts';

export default defineCase({
  slug: 'reload/workers-replaced',
  level: 'MUST',
  sentence: 'After the reload new workers serve and the old ones have gone.',
  source: 'A reload that changes nothing is none',
  needs: ['reload', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    const before = workers(ctx);
    if (before.size === 0) ctx.notApplicable('the server has no workers to replace');
    await reload(ctx);
    ctx.check(
      await replaced(ctx, before),
      'other workers than before',
      [...workers(ctx).keys()].join(', '),
    );
    const answer = await ctx.ask(ctx.route('fast'));
    ctx.check(isSuccess(answer), 'the new workers to serve', String(answer));
  },
});
