import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stillWorking, stopNoticed } from '../support.ts';

export default defineCase({
  slug: 'probes/metrics-while-draining',
  level: 'SHOULD',
  sentence: 'Metrics can be scraped while the server drains.',
  source: 'Drain runbook: in-flight work is visible in the metrics',
  needs: ['metrics', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx, ctx.config.grace * 0.6);
    ctx.target.signal();
    await stopNoticed(ctx);
    stillWorking(ctx, exchange);
    const scrape = await ctx.ask(ctx.route('metrics')).catch(() => undefined);
    ctx.check(
      scrape?.status === 200,
      'a 200',
      scrape === undefined ? 'no connection' : String(scrape),
    );
  },
});
