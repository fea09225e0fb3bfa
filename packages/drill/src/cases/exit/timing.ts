import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'exit/timing',
  level: 'SHOULD',
  informational: true,
  sentence: 'How long the phases of a stop took: signal to last answer, last answer to exit.',
  source: 'Figures to size terminationGracePeriodSeconds with; there is nothing to pass or fail',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await exchange.done;
    const exit = await ctx.exit();
    const signalled = ctx.target.signalledMs ?? 0;
    const answered = exchange.settledMs ?? exit.atMs;
    ctx.note(`signal to last answer ${Math.round(answered - signalled)} ms`);
    ctx.note(`last answer to exit ${Math.round(exit.atMs - answered)} ms`);
  },
});
