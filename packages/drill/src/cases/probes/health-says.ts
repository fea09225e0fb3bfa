import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { json, slowInFlight, stopNoticed } from '../support.ts';

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
    await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    const after = json(await ctx.ask(ctx.route('live')));
    ctx.check(after['shutting_down'] === true, 'shutting_down true', JSON.stringify(after));
  },
});
