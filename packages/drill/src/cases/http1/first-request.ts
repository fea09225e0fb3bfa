import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { nowMs, sleep } from '../../engine/clock.ts';

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
    const signalledMs = nowMs();
    ctx.target.signal();
    await Promise.all(
      connections.map(async (connection) => {
        await sleep(ctx.random() * 20);
        if (connection.open && !ctx.heldUp(signalledMs))
          await ctx.answered(connection.send(ctx.route('fast')));
      }),
    );
    ctx.noLoss();
    await ctx.exit();
  },
});
