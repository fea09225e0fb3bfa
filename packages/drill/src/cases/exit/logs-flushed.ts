import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, within } from '../../engine/clock.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'exit/logs-flushed',
  level: 'MUST',
  sentence: 'The last line of the log has left the process before it ends.',
  source: 'Drain runbook: shutdown hooks flush the logs',
  needs: ['slow', 'logPattern'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await ctx.answered(exchange);
    await ctx.exit();
    const piped = await within(ctx.target.drained, 2000);
    ctx.check(piped !== late, 'the output to be closed', 'a process still holds it open');
    const last = ctx.target.output.lastLines(10);
    const pattern = ctx.config.logPattern ?? '';
    ctx.check(new RegExp(pattern, 'm').test(last), `last lines that match /${pattern}/`, last);
  },
});
