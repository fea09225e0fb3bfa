import { DrillError, defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { isSuccess, slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'exit/port-released',
  level: 'MUST',
  sentence: 'After the exit a new instance can listen on the same port at once.',
  source: 'bind(2) and SO_REUSEADDR; a restart in place',
  needs: ['slow', 'fast'],
  async run(ctx: Context) {
    const first = await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    first.signal();
    await ctx.succeeded(exchange);
    await ctx.exit();
    try {
      await ctx.start({ ports: first.launch.ports });
    } catch (error) {
      if (!(error instanceof DrillError)) throw error;
      ctx.check(false, 'a new instance to start on the same port', error.message);
    }
    const answer = await ctx.ask(ctx.route('fast'));
    ctx.check(isSuccess(answer), 'the new instance to serve', String(answer));
  },
});
