import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { startLoad } from '../../engine/load.ts';
import { loadOver } from '../support.ts';

export default defineCase({
  slug: 'http1/keepalive-race',
  level: 'MUST',
  load: true,
  sentence: 'A request already on the wire of a kept-alive connection is answered, not reset.',
  source: 'RFC 9112 section 9.6 (tear-down) and 9.3 (persistence)',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    const load = await startLoad(ctx, { clients: ctx.clients });
    await sleep(200 + ctx.random() * 30);
    ctx.target.signal();
    await loadOver(ctx, load);
    ctx.noLoss();
    await ctx.exit();
  },
});
