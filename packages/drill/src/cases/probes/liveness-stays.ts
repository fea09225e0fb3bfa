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
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    const probe = await ctx.ask(ctx.route('live')).catch(() => undefined);
    const answer = probe === undefined ? 'the probe could not connect' : String(probe);
    if (probe?.status !== 200) stillWorking(ctx, exchange);
    ctx.check(probe?.status === 200, 'a 200 while work is in flight', answer);
    await ctx.succeeded(exchange);
  },
});
