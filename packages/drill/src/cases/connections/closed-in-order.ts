import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { usedConnections } from '../support.ts';

export default defineCase({
  slug: 'connections/closed-in-order',
  level: 'SHOULD',
  sentence: 'Idle connections are ended with a FIN, not with a reset.',
  source: 'RFC 9112 section 9.6; RFC 9293 section 3.6',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    const connections = await usedConnections(ctx, 10);
    ctx.target.signal();
    await ctx.exit();
    const ends = await Promise.all(connections.map((one) => one.closed));
    const resets = ends.filter((how) => how === 'reset').length;
    ctx.check(resets === 0, 'ten connections ended with a FIN', `${resets} were reset`);
  },
});
