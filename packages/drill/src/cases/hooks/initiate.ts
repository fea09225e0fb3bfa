import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { isReady, slowInFlight } from '../support.ts';
import { operatorCall } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/initiate',
  level: 'MUST',
  sentence: 'The initiate call begins the shutdown and is answered at once.',
  source: 'Streaming service: POST /shutdown/initiate',
  needs: ['initiate', 'slow', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    const answer = await operatorCall(ctx, 'initiate');
    ctx.check(answer.status === 200, '200', String(answer));
    ctx.check(exchange.outcome === 'pending', 'an answer at once', 'it waited for the work');
    ctx.check(!(await isReady(ctx)), 'readiness to be false', 'it is true');
    await ctx.succeeded(exchange);
  },
});
