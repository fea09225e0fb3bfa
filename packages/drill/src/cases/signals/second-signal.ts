import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { exitsBeforeDeadline, hungInFlight } from '../support.ts';

export default defineCase({
  slug: 'signals/second-signal',
  level: 'SHOULD',
  sentence: 'A second signal some time after the first ends the wait.',
  source: 'Common practice of command-line tools; the operator insists',
  needs: ['hang'],
  async run(ctx: Context) {
    if (ctx.config.grace * 0.8 < 1500) ctx.notApplicable('the grace is too short to tell');
    await ctx.start();
    await hungInFlight(ctx);
    ctx.target.signal();
    await sleep(800);
    if (ctx.target.exit !== undefined) ctx.notApplicable('it had ended before the second signal');
    ctx.target.signal();
    await exitsBeforeDeadline(ctx, 'after a second signal');
  },
});
