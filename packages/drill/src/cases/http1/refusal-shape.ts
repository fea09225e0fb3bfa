import { defineCase } from '../../case.ts';
import { within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { lateConnection, slowInFlight, stopNoticed, usedConnection } from '../support.ts';

export default defineCase({
  slug: 'http1/refusal-shape',
  level: 'SHOULD',
  sentence: 'A refusal is a 503 with Retry-After and Connection: close.',
  source: 'RFC 9110 section 15.6.4 and 10.2.3',
  needs: ['fast', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const before = await usedConnection(ctx);
    await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    const connection = await lateConnection(ctx, before);
    const exchange = connection.send(ctx.route('fast'));
    await within(exchange.done, ctx.patienceMs);
    if (exchange.outcome !== 'refused') ctx.notApplicable('the server refused nothing');
    const retry = exchange.headers.get('retry-after');
    const close = connection.closeAnnounced;
    ctx.check(
      retry !== undefined && close,
      'Retry-After and Connection: close with the 503',
      `retry-after: ${retry ?? '(absent)'}, connection: ${exchange.headers.get('connection') ?? '(absent)'}`,
    );
  },
});
