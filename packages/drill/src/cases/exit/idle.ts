import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';

export default defineCase({
  slug: 'exit/idle',
  level: 'SHOULD',
  sentence: 'A server with nothing to do exits soon after the signal.',
  source: 'A rolling update waits for every instance',
  needs: [],
  async run(ctx: Context) {
    await ctx.start();
    ctx.target.signal();
    const exit = await ctx.exit();
    const ms = Math.round(exit.atMs - (ctx.target.signalledMs ?? exit.atMs));
    ctx.note(`${ms} ms from the signal to the exit`);
    const limit = ctx.config.leave + ctx.config.exitWithin;
    ctx.check(ms <= limit, `an exit within ${limit} ms`, `${ms} ms`);
  },
});
