import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { until } from '../../engine/clock.ts';
import { isReady, slowInFlight } from '../support.ts';

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
    const flipped = await until(
      async () => ((await isReady(ctx)) ? undefined : exchange.outcome),
      ctx.workMs,
    );
    ctx.check(
      flipped === 'pending',
      'a readiness that is false while work is in flight',
      flipped ?? 'ready all the time',
    );
    await ctx.succeeded(exchange);
  },
});
