import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { nowMs, sleep } from '../../engine/clock.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'signals/double-delivery',
  level: 'SHOULD',
  sentence: 'The same signal delivered twice within milliseconds counts as one.',
  source: 'A shell and a package runner both pass Ctrl-C on',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    const sinceMs = nowMs();
    await sleep(30);
    if (nowMs() - sinceMs > 200) ctx.notApplicable('the drill was held up between the two');
    ctx.target.signal();
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
