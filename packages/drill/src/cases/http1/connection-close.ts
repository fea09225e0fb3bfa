import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'http1/connection-close',
  level: 'SHOULD',
  sentence: 'The last answer on a connection says Connection: close.',
  source: 'RFC 9112 section 9.6: SHOULD send a close option in its final response',
  needs: ['slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange, connection } = await slowInFlight(ctx);
    ctx.target.signal();
    await ctx.answered(exchange);
    ctx.check(
      connection.closeAnnounced,
      'Connection: close on the answer given after the signal',
      `connection: ${exchange.headers.get('connection') ?? '(absent)'}`,
    );
  },
});
