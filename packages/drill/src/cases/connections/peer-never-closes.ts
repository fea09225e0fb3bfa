import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { exitsBeforeDeadline, usedConnections } from '../support.ts';

export default defineCase({
  slug: 'connections/peer-never-closes',
  level: 'MUST',
  sentence: 'A client that never closes its own side does not hold the exit.',
  source: 'RFC 9293 section 3.6 (FIN-WAIT-2); the wait for a peer needs a limit',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    for (const connection of await usedConnections(ctx, 5)) connection.answersFin = false;
    ctx.target.signal();
    await exitsBeforeDeadline(ctx, 'with clients that never close');
  },
});
