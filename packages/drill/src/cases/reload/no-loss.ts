import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep, within } from '../../engine/clock.ts';
import { startLoad } from '../../engine/load.ts';
import { reload, replaced, workers } from '../reloading.ts';

export default defineCase({
  slug: 'reload/no-loss',
  level: 'MUST',
  load: true,
  sentence: 'A reload under load loses no request and refuses no connection.',
  source: 'A node behind a reverse proxy: the cluster stays available throughout',
  needs: ['reload', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    const kept = await startLoad(ctx, { clients: Math.min(ctx.clients, 16) });
    const fresh = await startLoad(ctx, { clients: 4, fresh: true, thinkMs: 4 });
    await sleep(200);
    const before = workers(ctx);
    await reload(ctx);
    // The load goes on until the old workers have gone, however long the new ones take to start.
    if (before.size > 0) await replaced(ctx, before);
    await sleep(2000);
    for (const load of [kept, fresh]) load.stop();
    await within(Promise.all([kept.done, fresh.done]), ctx.patienceMs);
    ctx.noLoss();
    const { refusedConnects } = fresh;
    ctx.check(
      refusedConnects.length === 0,
      'every connection to be accepted',
      `${refusedConnects.length} refused: ${refusedConnects[0]}`,
    );
    const failed = ctx.account.exchanges.filter((one) => one.status >= 500);
    const [first] = failed;
    const actual = `${failed.length} answered with ${first?.status}`;
    ctx.check(first === undefined, 'no request to be refused', actual);
  },
});
