import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';

export default defineCase({
  slug: 'deadlines/hung-hook',
  level: 'MUST',
  sentence: 'A close hook that never ends does not hold the exit past the deadline.',
  source: 'A database that does not answer must not cost the whole grace period',
  needs: ['variant:hungHook'],
  async run(ctx: Context) {
    await ctx.start({ variant: 'hungHook' });
    ctx.target.signal();
    await ctx.exit();
  },
});
