import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { within } from '../../engine/clock.ts';
import { openOne } from '../sockets.ts';
import { acrossMs, settle } from '../support.ts';

export default defineCase({
  slug: 'websocket/result-before-close',
  level: 'MUST',
  sentence: 'A client waiting for a result gets it before its socket is closed.',
  source: 'Task service: connected clients stay until their results have been delivered',
  needs: ['websocket', 'websocketTask'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await openOne(ctx);
    const task = (ctx.config.websocketTask ?? '').replaceAll('{ms}', String(acrossMs(ctx)));
    const tasks = [client.send(task), client.send(task)];
    await settle(ctx);
    if (tasks.some((one) => one.outcome !== 'pending')) {
      ctx.notApplicable('a message came back before the work could be over');
    }
    ctx.target.signal();
    await within(client.closed, ctx.patienceMs);
    const results = tasks.filter((one) => one.outcome === 'answered').length;
    ctx.check(results === 2, 'both results before the close', `${results} of 2`);
    await ctx.exit();
  },
});
