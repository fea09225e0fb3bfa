import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'signals/sigint',
  level: 'SHOULD',
  sentence: 'SIGINT stops the server as gracefully as SIGTERM does.',
  source: 'signal(7); a terminal sends SIGINT',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal('SIGINT');
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
