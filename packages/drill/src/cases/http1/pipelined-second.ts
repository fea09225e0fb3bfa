import { defineCase } from '../../case.ts';
import { within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { acrossMs, pipelinesUsually, settle, underWay } from '../support.ts';

export default defineCase({
  slug: 'http1/pipelined-second',
  level: 'MUST',
  sentence:
    'Of two pipelined requests the second is answered too, unless the first answer said close.',
  source: 'RFC 9112 section 9.3.2 (pipelining) and 9.6',
  needs: ['slow', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    await pipelinesUsually(ctx);
    const connection = await ctx.connect({ label: 'pipelined' });
    const first = connection.send(ctx.route('slow', { ms: acrossMs(ctx) }));
    const second = connection.send(ctx.route('fast'));
    await settle(ctx);
    underWay(ctx, first);
    ctx.target.signal();
    await ctx.answered(first);
    await within(second.done, ctx.patienceMs);
    ctx.noLoss();
    await ctx.exit();
  },
});
