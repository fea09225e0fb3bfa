import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { slowInFlight } from '../support.ts';
import { reload } from '../reloading.ts';

export default defineCase({
  slug: 'reload/stop-while-reloading',
  level: 'MUST',
  sentence: 'A stop in the middle of a reload still finishes the work and ends everything.',
  source: 'A deploy that is cancelled; an orphaned worker would hold the port',
  needs: ['reload', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    await reload(ctx);
    await sleep(60);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    await ctx.exit(ctx.config.leave + ctx.config.grace * 2 + ctx.config.force + 3000);
  },
});
