import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { json, slowInFlight, stillWorking, stopNoticed } from '../support.ts';

export default defineCase({
  slug: 'probes/health-says',
  level: 'SHOULD',
  sentence: 'The health body tells that a shutdown is under way.',
  source: 'Contract of the endpoints: shutting_down',
  needs: ['live', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const before = json(await ctx.ask(ctx.route('live')));
    if (before['shutting_down'] !== false) ctx.notApplicable('its health has no shutting_down');
    const { exchange: slow } = await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    stillWorking(ctx, slow);
    const probe = await ctx.ask(ctx.route('live')).catch(() => undefined);
    const after = probe === undefined ? {} : json(probe);
    const answer = probe === undefined ? 'no connection' : JSON.stringify(after);
    ctx.check(after['shutting_down'] === true, 'shutting_down true', answer);
  },
});
