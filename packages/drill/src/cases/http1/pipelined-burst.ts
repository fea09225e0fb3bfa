import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { acrossMs, pipelinesUsually, settle, underWay } from '../support.ts';

export default defineCase({
  slug: 'http1/pipelined-burst',
  level: 'SHOULD',
  sentence: 'Every one of eight pipelined requests received before the signal is answered.',
  source: 'RFC 9112 section 9.3.2; nothing received before the stop is dropped',
  needs: ['slow', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    await pipelinesUsually(ctx);
    const connection = await ctx.connect({ label: 'pipelined' });
    const slow = connection.send(ctx.route('slow', { ms: acrossMs(ctx) }));
    const rest = Array.from({ length: 7 }, () => connection.send(ctx.route('fast')));
    await settle(ctx);
    underWay(ctx, slow);
    ctx.target.signal();
    for (const exchange of [slow, ...rest]) await ctx.answered(exchange);
    await ctx.exit();
  },
});
