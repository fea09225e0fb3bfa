import { defineCase } from '../../case.ts';
import { sleep, within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { acrossMs } from '../support.ts';

export default defineCase({
  slug: 'sse/streams-race',
  level: 'MUST',
  load: true,
  sentence:
    'Of many streams begun just before the signal each goes on to its own end, or is refused.',
  source: 'Streaming service: registered streams go on to their end, new ones get a 503',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const connections = await ctx.connectMany(ctx.clients);
    const streams = connections.map(async (connection) => {
      await sleep(ctx.random() * 30);
      const ms = acrossMs(ctx, ctx.random() * ctx.workMs);
      return connection.send(ctx.route('stream', { ms }));
    });
    const sent = await Promise.all(streams);
    ctx.target.signal();
    await within(Promise.all(sent.map((one) => one.done)), ctx.patienceMs);
    ctx.noLoss();
    await ctx.exit();
  },
});
