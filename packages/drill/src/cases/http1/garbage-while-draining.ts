import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stopNoticed, usedConnection } from '../support.ts';

export default defineCase({
  slug: 'http1/garbage-while-draining',
  level: 'MUST',
  sentence: 'A malformed request during the drain harms nobody else.',
  source: 'RFC 9112 section 2.2: respond with 400 and close',
  needs: ['fast', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await usedConnection(ctx);
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    connection.write('\u0000\u0001 not http at all\r\n\r\n');
    await stopNoticed(ctx);
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
