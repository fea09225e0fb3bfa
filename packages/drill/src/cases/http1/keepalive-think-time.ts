import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { startLoad } from '../../engine/load.ts';
import { loadOver } from '../support.ts';

export default defineCase({
  slug: 'http1/keepalive-think-time',
  level: 'MUST',
  load: true,
  sentence: 'A client that pauses for some milliseconds between requests loses none of them.',
  source:
    'RFC 9112 section 9.5 (a server should keep an idle connection for the request on its way)',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    const load = await startLoad(ctx, { clients: ctx.clients, thinkMs: 10 });
    await sleep(200 + ctx.random() * 30);
    ctx.target.signal();
    await loadOver(ctx, load);
    ctx.noLoss();
    await ctx.exit();
  },
});
