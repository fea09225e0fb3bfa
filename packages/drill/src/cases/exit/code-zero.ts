import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'exit/code-zero',
  level: 'MUST',
  sentence: 'A stop in which all work was finished ends with exit code 0.',
  source: 'Contract of the exit codes; a supervisor takes anything else for a crash',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await ctx.answered(exchange);
    const exit = await ctx.exit();
    ctx.check(exit.code === 0, 'exit code 0', String(exit.signal ?? exit.code));
  },
});
