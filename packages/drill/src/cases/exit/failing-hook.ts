import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';

export default defineCase({
  slug: 'exit/failing-hook',
  level: 'SHOULD',
  sentence: 'A close hook that fails shows in the exit code.',
  source: 'Contract of the exit codes: 1, a close hook failed',
  needs: ['variant:failingHook'],
  async run(ctx: Context) {
    await ctx.start({ variant: 'failingHook' });
    ctx.target.signal();
    const exit = await ctx.exit();
    ctx.check(exit.code !== 0, 'an exit code other than 0', 'exit code 0');
  },
});
