import { defineCase } from '../../case.ts';
import { nowMs, sleep, within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { askMade } from '../../engine/fresh.ts';

export default defineCase({
  slug: 'http1/first-request',
  level: 'MUST',
  load: true,
  sentence:
    'The first request on a connection opened before the signal is answered when it comes just after it.',
  source: 'RFC 9112 section 9.5; an accepted connection is a promise',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    const connections = await ctx.connectMany(ctx.clients);
    await sleep(50);
    if (connections.some((one) => !one.open)) {
      ctx.notApplicable('the server keeps no connection on which nothing was sent');
    }
    const signalledMs = nowMs();
    ctx.target.signal();
    const sends = connections.map(async (connection) => {
      await sleep(ctx.random() * 20);
      if (!ctx.heldUp(signalledMs)) await askMade(ctx, connection, ctx.route('fast'));
    });
    await within(Promise.all(sends), ctx.patienceMs);
    ctx.noLoss();
    await ctx.exit();
  },
});
