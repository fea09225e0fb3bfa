import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, within } from '../../engine/clock.ts';
import { lateConnection, slowInFlight, stopNoticed, usedConnections } from '../support.ts';

export default defineCase({
  slug: 'http1/answered-while-draining',
  level: 'MUST',
  sentence: 'While old work finishes, a request that reaches the server is answered at once.',
  source: 'Drain runbook: new work fails fast with 503',
  needs: ['fast', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const before = await usedConnections(ctx, 4);
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    for (const one of before) {
      const connection = one.open ? one : await lateConnection(ctx, one);
      const done = await within(connection.send(ctx.route('fast')).done, 1000);
      ctx.check(done !== late, 'an answer within 1000 ms', 'the request is stalled');
    }
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
