import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { H2Client } from '../../engine/h2.ts';
import { loadOver } from '../support.ts';

export default defineCase({
  slug: 'http2/stream-race',
  level: 'MUST',
  load: true,
  sentence: 'No stream opened before the client could know of the stop is lost.',
  source: 'RFC 9113 section 6.8: streams above the last identifier can be retried, no others',
  needs: ['port:h2', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    const count = Math.max(2, Math.round(ctx.clients / 8));
    const clients = await Promise.all(Array.from({ length: count }, () => H2Client.connect(ctx)));
    const state = { running: true };
    const loops = clients.flatMap((client) =>
      Array.from({ length: 8 }, async () => {
        while (state.running && client.open) await client.send(ctx.route('fast')).exchange.done;
      }),
    );
    await sleep(150 + ctx.random() * 20);
    ctx.target.signal();
    await loadOver(ctx, { done: Promise.all(loops), stop: () => (state.running = false) });
    ctx.noLoss();
    await ctx.exit();
  },
});
