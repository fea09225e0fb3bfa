import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hungInFlight } from '../support.ts';

export default defineCase({
  slug: 'exit/code-after-timeout',
  level: 'SHOULD',
  sentence: 'A stop that had to cancel work does not claim success.',
  source: 'Contract of the exit codes: 3, the deadline passed and work was cancelled',
  needs: ['hang'],
  async run(ctx: Context) {
    await ctx.start();
    await hungInFlight(ctx);
    ctx.target.signal();
    const exit = await ctx.exit();
    ctx.check(exit.code !== 0, 'an exit code other than 0', 'exit code 0');
  },
});
