import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { json, slowInFlight, underWay } from '../support.ts';
import { operatorCall } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/drain-answer',
  level: 'MUST',
  sentence: 'A drain is acknowledged at once, with the true number of requests in flight.',
  source: 'Drain runbook: POST /-/shutdown/drain answers with the in-flight count',
  needs: ['drain', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const first = await slowInFlight(ctx, ctx.config.grace * 0.6);
    const second = await slowInFlight(ctx);
    underWay(ctx, first.exchange);
    const answer = await operatorCall(ctx, 'drain');
    const count = json(answer)['in_flight'];
    ctx.check(
      answer.status === 202 && count === 2,
      '202 with in_flight 2',
      `${answer.status} with in_flight ${String(count)}`,
    );
    ctx.check(first.exchange.outcome === 'pending', 'an answer at once', 'it waited for the work');
    await ctx.succeeded(first.exchange);
    await ctx.succeeded(second.exchange);
  },
});
