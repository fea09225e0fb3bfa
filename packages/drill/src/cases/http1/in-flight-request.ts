import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'http1/in-flight-request',
  level: 'MUST',
  sentence: 'A request being worked on when the signal comes is answered in full.',
  source: 'Kubernetes, termination of Pods; drain runbook (finish what was accepted)',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
