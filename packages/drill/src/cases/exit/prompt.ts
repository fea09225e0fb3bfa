import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'exit/prompt',
  level: 'SHOULD',
  sentence: 'The exit follows soon after the last byte of the last answer.',
  source: 'Waiting is by event; a rolling update waits for every instance',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await ctx.succeeded(exchange);
    const exit = await ctx.exit();
    const leftMs = (ctx.target.signalledMs ?? 0) + ctx.config.leave;
    const ms = Math.round(exit.atMs - Math.max(exchange.settledMs ?? exit.atMs, leftMs));
    ctx.note(`${ms} ms from the last byte to the exit`);
    const limit = ctx.config.exitWithin;
    ctx.check(ms <= limit, `an exit within ${limit} ms of the last byte`, `${ms} ms`);
  },
});
