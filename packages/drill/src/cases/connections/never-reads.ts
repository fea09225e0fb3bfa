import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { largeInFlight } from '../support.ts';

export default defineCase({
  slug: 'connections/never-reads',
  level: 'MUST',
  sentence: 'A client that never reads its large answer does not hold the exit past the deadline.',
  source: 'The deadline is absolute; SIGKILL would come next',
  needs: ['large'],
  async run(ctx: Context) {
    await ctx.start();
    await largeInFlight(ctx, 'never reads', 24_000_000);
    ctx.target.signal();
    await ctx.exit();
  },
});
