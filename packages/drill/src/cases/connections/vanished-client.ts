import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { exitsBeforeDeadline, settleStopping, slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'connections/vanished-client',
  level: 'SHOULD',
  sentence: 'Work whose client has reset the connection does not use up the grace.',
  source: 'Nobody waits for that answer; the node can go',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { connection } = await slowInFlight(ctx, ctx.config.grace * 3);
    ctx.target.signal();
    await settleStopping(ctx);
    connection.reset();
    await exitsBeforeDeadline(ctx, 'after the only client has gone');
  },
});
