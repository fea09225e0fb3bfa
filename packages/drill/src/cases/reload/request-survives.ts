import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';
import { reload } from '../reloading.ts';

export default defineCase({
  slug: 'reload/request-survives',
  level: 'MUST',
  sentence: 'A request begun before the reload is finished by the worker that has it.',
  source: 'A node behind a reverse proxy: old workers serve what they hold',
  needs: ['reload', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx, Math.round(ctx.config.grace * 0.6));
    await reload(ctx);
    await ctx.succeeded(exchange);
  },
});
