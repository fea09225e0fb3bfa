import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stillWorking, stopNoticed } from '../support.ts';

export default defineCase({
  slug: 'probes/liveness-stays',
  level: 'MUST',
  sentence: 'Liveness stays true while the server drains.',
  source: 'Kubernetes probes: a failed liveness probe restarts the container; drain runbook',
  needs: ['live', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx, ctx.config.grace * 0.6);
    ctx.target.signal();
    await stopNoticed(ctx);
    stillWorking(ctx, exchange);
    const probe = await ctx.ask(ctx.route('live'), { ms: 1000 }).catch(() => undefined);
    const answer = probe === undefined ? 'the probe could not connect' : String(probe);
    // What a kubelet takes for success.
    const lives = probe !== undefined && probe.status >= 200 && probe.status < 400;
    ctx.check(lives, 'success (200 to 399) while work is in flight', answer);
    await ctx.succeeded(exchange);
  },
});
