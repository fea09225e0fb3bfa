import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { isReady, slowInFlight } from '../support.ts';
import { operatorCall } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/reset',
  level: 'SHOULD',
  sentence: 'A drain that has not begun to close can be undone: the server serves again.',
  source: 'Contract of the endpoints: POST /shutdown/reset',
  needs: ['reset', 'initiate', 'slow', 'fast', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    await slowInFlight(ctx);
    await operatorCall(ctx, 'initiate');
    const answer = await operatorCall(ctx, 'reset');
    ctx.check(answer.status === 200, '200', String(answer));
    ctx.check(await isReady(ctx), 'readiness to be true again', 'it is false');
    const fast = await ctx.ask(ctx.route('fast'));
    ctx.check(fast.status === 200, 'new work to be served again', String(fast));
  },
});
