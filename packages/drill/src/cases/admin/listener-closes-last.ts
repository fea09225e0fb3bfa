import { defineCase } from '../../case.ts';
import { sleep, within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stillWorking } from '../support.ts';

const how = { port: 'admin', ms: 1000 } as const;

export default defineCase({
  slug: 'admin/listener-closes-last',
  level: 'MUST',
  sentence:
    'The admin listener takes new connections and answers for as long as work is in flight.',
  source: 'Contract of the endpoints: a separate admin listener that closes last',
  needs: ['port:admin', 'live', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx, ctx.config.grace * 0.6);
    ctx.target.signal();
    for (let asked = 0; ; asked += 1) {
      const probe = await ctx.ask(ctx.route('live'), how).catch(() => undefined);
      const kept = probe?.outcome === 'answered' || probe?.outcome === 'refused';
      // The end of the work may lie unread beside a probe that found the listener closed.
      if (!kept) await within(exchange.done, 100);
      if (!kept && asked === 0) stillWorking(ctx, exchange);
      if (exchange.outcome !== 'pending') break;
      const answer = probe === undefined ? 'it takes no connection' : String(probe);
      ctx.check(kept, 'the admin listener to answer while work runs', answer);
      await sleep(25);
    }
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
