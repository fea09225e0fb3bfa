import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { isReady, slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'probes/readiness-before-refusal',
  level: 'MUST',
  sentence: 'No request is refused while readiness still says yes.',
  source: 'Kubernetes: endpoints follow readiness, so refusing first is an outage',
  needs: ['ready', 'fast', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    while (exchange.outcome === 'pending') {
      const fast = await ctx.ask(ctx.route('fast')).catch(() => undefined);
      const refused = fast === undefined || fast.status === 503;
      const ready = await isReady(ctx);
      ctx.check(!(refused && ready), 'readiness to be false by then', 'a refusal while ready');
      if (!ready) break;
    }
    await ctx.succeeded(exchange);
  },
});
