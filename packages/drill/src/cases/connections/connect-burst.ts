import { defineCase } from '../../case.ts';
import { sleep, within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { askFresh } from '../../engine/fresh.ts';

export default defineCase({
  slug: 'connections/connect-burst',
  level: 'MUST',
  load: true,
  sentence:
    'Of a burst of connections at the moment of the signal, each that connected is answered.',
  source: 'listen(2): a connection in the accept queue is established for its client',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    await ctx.ask(ctx.route('fast'));
    const count = Math.min(ctx.clients * 2, 480); // the usual accept queue holds 511
    const burst = Array.from({ length: count }, async (_, index) => {
      // Half of the burst comes before the signal, half after it, all within 20 ms.
      await sleep((index / count) * 20);
      await askFresh(ctx, ctx.route('fast'));
    });
    await sleep(10);
    ctx.target.signal();
    await within(Promise.all(burst), ctx.patienceMs);
    ctx.noLoss();
    await ctx.exit();
  },
});
