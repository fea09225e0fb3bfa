import { defineCase } from '../../case.ts';
import type { Exchange } from '../../engine/account.ts';
import { late, within } from '../../engine/clock.ts';
import type { Connection } from '../../engine/connection.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stillWorking, stopNoticed, usedConnections } from '../support.ts';

async function settled(ctx: Context, connection: Connection): Promise<Exchange> {
  const done = await within(connection.send(ctx.route('fast')).done, 1000);
  ctx.check(done !== late, 'an answer within 1000 ms', 'the request is stalled');
  return done;
}

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
    stillWorking(ctx, exchange);
    const open = before.filter((one) => one.open);
    // An idle connection may be closed at the very moment at which it is used.
    for (const one of open) await settled(ctx, one);
    const fresh = await ctx.connect({ label: 'late request' }).catch(() => undefined);
    if (fresh?.open === true && exchange.outcome === 'pending') {
      const done = await settled(ctx, fresh);
      ctx.check(done.outcome !== 'lost', 'an answer', String(done));
    } else if (open.length === 0) ctx.notApplicable('the server takes no request any more by then');
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
