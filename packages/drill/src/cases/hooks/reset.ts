import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { isReady, isSuccess, slowInFlight, stillWorking } from '../support.ts';
import { operatorCall } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/reset',
  level: 'SHOULD',
  sentence: 'A drain that has not begun to close can be undone: the server serves again.',
  source: 'Contract of the endpoints: POST /shutdown/reset',
  needs: ['reset', 'initiate', 'slow', 'fast', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange: slow } = await slowInFlight(ctx);
    await operatorCall(ctx, 'initiate');
    const answer = await operatorCall(ctx, 'reset');
    // With nothing left to wait for it may have begun to close.
    if (answer.status !== 200) stillWorking(ctx, slow);
    ctx.check(answer.status === 200, '200', String(answer));
    ctx.check(await isReady(ctx), 'readiness to be true again', 'it is false');
    const fast = await ctx.ask(ctx.route('fast'));
    ctx.check(isSuccess(fast), 'new work to be served again', String(fast));
  },
});
