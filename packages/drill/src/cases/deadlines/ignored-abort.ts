import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hungInFlight } from '../support.ts';

export default defineCase({
  slug: 'deadlines/ignored-abort',
  level: 'MUST',
  sentence: 'A handler that ignores its cancellation does not hold the exit past the force time.',
  source: 'The deadline is absolute; SIGKILL would come next',
  needs: ['hang', 'variant:ignoredAbort'],
  async run(ctx: Context) {
    await ctx.start({ variant: 'ignoredAbort' });
    await hungInFlight(ctx);
    ctx.target.signal();
    await ctx.exit();
  },
});
