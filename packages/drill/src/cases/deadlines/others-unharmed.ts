import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hungInFlight, slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'deadlines/others-unharmed',
  level: 'MUST',
  sentence: 'One hung request does not keep the others from being finished.',
  source: 'Drain runbook: what can finish, finishes',
  needs: ['hang', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    await hungInFlight(ctx);
    const others = [];
    for (let count = 0; count < 4; count += 1) others.push(await slowInFlight(ctx));
    ctx.target.signal();
    for (const { exchange } of others) await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
