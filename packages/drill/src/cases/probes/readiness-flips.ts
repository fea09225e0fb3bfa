import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { notReadyDuring, slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'probes/readiness-flips',
  level: 'MUST',
  sentence: 'Readiness goes false as soon as the signal has come, while work still finishes.',
  source: 'Kubernetes, Pod lifecycle; drain runbook: readiness goes false at once',
  needs: ['ready', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await notReadyDuring(ctx, exchange);
    await ctx.succeeded(exchange);
  },
});
