import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { slowInFlight, stopNoticed, usedConnection } from '../support.ts';

const garbage = '\u0000\u0001 not http at all\r\n\r\n';

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
    connection.write(garbage);
    await stopNoticed(ctx);
    // The other one may have been closed before the server read from it.
    const late = await ctx.connect({ label: 'late garbage' }).catch(() => undefined);
    late?.write(garbage);
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
