import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep, within } from '../../engine/clock.ts';
import { openSocket } from '../../engine/websocket.ts';

export default defineCase({
  slug: 'websocket/result-before-close',
  level: 'MUST',
  sentence: 'A client waiting for a result gets it before its socket is closed.',
  source: 'Task service: connected clients stay until their results have been delivered',
  needs: ['websocket', 'websocketTask'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await openSocket(ctx);
    const task = (ctx.config.websocketTask ?? '').replaceAll('{ms}', String(ctx.workMs));
    client.socket.send(task);
    client.socket.send(task);
    await sleep(80);
    ctx.target.signal();
    await within(client.closed, ctx.patienceMs);
    ctx.check(
      client.messages.length >= 2,
      'both results before the close',
      `${client.messages.length} of 2`,
    );
    await ctx.exit();
  },
});
