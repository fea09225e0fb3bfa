import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { startLoad } from '../../engine/load.ts';
import { loadOver } from '../support.ts';

export default defineCase({
  slug: 'connections/accept-queue',
  level: 'MUST',
  load: true,
  sentence: 'A connection that the kernel accepted is served: closing the listener resets none.',
  source: 'listen(2): the accept queue; Kubernetes routes to a Pod for a while after SIGTERM',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    const clients = Math.max(2, Math.round(ctx.clients / 2));
    const load = await startLoad(ctx, { clients, fresh: true, thinkMs: 4 });
    await sleep(150 + ctx.random() * 30);
    ctx.target.signal();
    await loadOver(ctx, load);
    ctx.noLoss();
    await ctx.exit();
  },
});
