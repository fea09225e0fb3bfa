import { defineCase } from '../../case.ts';
import { sleep, within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { openSockets } from '../sockets.ts';
import { acrossMs } from '../support.ts';

const tasks = 4;

export default defineCase({
  slug: 'websocket/results-race',
  level: 'MUST',
  load: true,
  sentence:
    'Every task sent before the signal, even one still on the wire, gets a message before the close.',
  source: 'Task service: connected clients stay until their results have been delivered',
  needs: ['websocket', 'websocketTask'],
  async run(ctx: Context) {
    await ctx.start();
    const clients = await openSockets(ctx, ctx.clients);
    const template = ctx.config.websocketTask ?? '';
    const sends = clients.map(async (client) => {
      for (let count = 0; count < tasks; count += 1) {
        await sleep(ctx.random() * 10);
        const ms = acrossMs(ctx, ctx.random() * ctx.workMs);
        client.send(template.replaceAll('{ms}', String(ms)));
      }
    });
    await Promise.all(sends);
    ctx.target.signal();
    await within(Promise.all(clients.map((one) => one.closed)), ctx.patienceMs);
    ctx.noLoss();
    await ctx.exit();
  },
});
