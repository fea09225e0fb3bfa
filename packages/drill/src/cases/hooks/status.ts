import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stillWorking, stopNoticed } from '../support.ts';

export default defineCase({
  slug: 'hooks/status',
  level: 'SHOULD',
  sentence: 'The status endpoint says 200 before the stop and 503 during it.',
  source: 'Contract of the endpoints: GET /shutdown/status',
  needs: ['status', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange: slow } = await slowInFlight(ctx);
    const before = await ctx.ask(ctx.route('status'));
    ctx.check(before.status === 200, '200 before the stop', String(before));
    ctx.target.signal();
    await stopNoticed(ctx);
    stillWorking(ctx, slow);
    const after = await ctx.ask(ctx.route('status')).catch(() => undefined);
    const answer = after === undefined ? 'no connection' : String(after);
    ctx.check(after?.status === 503, '503 during the stop', answer);
  },
});
