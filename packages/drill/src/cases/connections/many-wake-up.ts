import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { nowMs, sleep, within } from '../../engine/clock.ts';
import { usedConnections } from '../support.ts';

export default defineCase({
  slug: 'connections/many-wake-up',
  level: 'MUST',
  load: true,
  sentence:
    'Two hundred idle connections that all send a request around the signal are all answered.',
  source: 'RFC 9112 section 9.5 and 9.6',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    const connections = await usedConnections(ctx, Math.max(200, ctx.clients));
    const sinceMs = nowMs();
    const sends = connections.map(async (connection) => {
      await sleep(ctx.random() * 30);
      // One that the server has ended, in whatever way, is no longer in its client's hands.
      if (connection.open && !ctx.heldUp(sinceMs)) await connection.send(ctx.route('fast')).done;
    });
    await sleep(15);
    ctx.target.signal();
    await within(Promise.all(sends), ctx.patienceMs);
    ctx.noLoss();
    await ctx.exit();
  },
});
