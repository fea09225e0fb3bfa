import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { closedWithin, slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'http1/closes-as-said',
  level: 'MUST',
  sentence: 'A server that says Connection: close closes the connection after that answer.',
  source: 'RFC 9112 section 9.6: MUST initiate closure of the connection',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange, connection } = await slowInFlight(ctx);
    ctx.target.signal();
    await ctx.answered(exchange);
    if (!connection.closeAnnounced) ctx.notApplicable('no answer said Connection: close');
    const how = await closedWithin(connection, 1200);
    ctx.check(how !== undefined, 'the connection to be closed within 1200 ms', 'it is still open');
  },
});
