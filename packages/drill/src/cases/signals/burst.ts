import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { nowMs, sleep } from '../../engine/clock.ts';
import { slowInFlight } from '../support.ts';

const pair: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT']);

export default defineCase({
  slug: 'signals/burst',
  level: 'SHOULD',
  sentence: 'A burst of SIGTERM and SIGINT within 200 ms does not cut the work in flight.',
  source: 'signal(7): standard signals coalesce, orchestrators and shells overlap',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    const { stopSignal } = ctx.config;
    if (!pair.has(stopSignal)) ctx.notApplicable(`${stopSignal} is the graceful signal`);
    const endMs = nowMs() + 200; // what comes later, on a busy machine, is no burst any more
    for (let count = 0; count < 10 && nowMs() < endMs; count += 1) {
      ctx.target.signal(count % 2 === 0 ? 'SIGTERM' : 'SIGINT');
      await sleep(20);
    }
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
