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
    // Where the signal ended it, no hook was called at all.
    const how = exit.code === undefined ? `ended by ${exit.signal}` : `exit code ${exit.code}`;
    const shows = exit.code !== undefined && exit.code !== 0;
    ctx.check(shows, 'an exit code other than 0', how);
  },
});
