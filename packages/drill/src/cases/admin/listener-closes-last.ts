import { defineCase } from '../../case.ts';
import { sleep } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'admin/listener-closes-last',
  level: 'MUST',
  sentence:
    'The admin listener takes new connections and answers for as long as work is in flight.',
  source: 'Contract of the endpoints: a separate admin listener that closes last',
  needs: ['port:admin', 'live', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    for (let asked = 0; ; asked += 1) {
      const probe = await ctx.ask(ctx.route('live'), { port: 'admin' }).catch(() => undefined);
      if (exchange.outcome !== 'pending' && asked > 0) break;
      const kept = probe?.outcome === 'answered' || probe?.outcome === 'refused';
      const answer = probe === undefined ? 'it takes no connection' : String(probe);
      ctx.check(kept, 'the admin listener to answer while work runs', answer);
      await sleep(25);
    }
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
