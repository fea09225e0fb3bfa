import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';

export default defineCase({
  slug: 'connections/never-reads',
  level: 'MUST',
  sentence: 'A client that never reads its large answer does not hold the exit past the deadline.',
  source: 'The deadline is absolute; SIGKILL would come next',
  needs: ['large'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'never reads' });
    const exchange = connection.send(ctx.route('large', { bytes: 24_000_000 }));
    await exchange.head;
    connection.socket.pause();
    ctx.target.signal();
    await ctx.exit();
  },
});
