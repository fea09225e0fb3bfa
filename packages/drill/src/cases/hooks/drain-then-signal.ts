import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { isSuccess, slowInFlight } from '../support.ts';
import { operatorCall } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/drain-then-signal',
  level: 'MUST',
  sentence: 'A drained server still obeys the signal that comes after, and exits.',
  source: 'Kubernetes: preStop, then SIGTERM, then the exit',
  needs: ['drain', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    const answer = await operatorCall(ctx, 'drain');
    if (!isSuccess(answer)) {
      ctx.notApplicable(`the drain did not begin: ${answer.toString()}`);
    }
    await sleep(50);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
