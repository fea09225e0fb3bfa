import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, until, within } from '../../engine/clock.ts';
import { lateConnection, slowInFlight, stopNoticed } from '../support.ts';

export default defineCase({
  slug: 'http1/expect-continue',
  level: 'MUST',
  sentence: 'A client that asks with Expect: 100-continue is told to go on or is refused.',
  source: 'RFC 9110 section 10.1.1: MUST send 100 or a final status',
  needs: ['upload', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const before = await ctx.connect({ label: 'expect: 100-continue' });
    const { exchange: slow } = await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    const connection = await lateConnection(ctx, before);
    const route = ctx.route('upload', {}, 'POST');
    const exchange = connection.owe(route.method, route.path);
    const headers = { expect: '100-continue', 'content-length': '5' };
    connection.write(connection.bytes({ ...route, headers }));
    await Promise.race([
      within(exchange.head, 2000),
      until(() => (exchange.informational.length > 0 ? true : undefined), 2000),
    ]);
    if (exchange.status === 0) connection.write('12345');
    const done = await within(exchange.done, 2000);
    ctx.check(done !== late && done.status > 0, 'a 100 or a final status', String(exchange));
    await ctx.succeeded(slow);
    await ctx.exit();
  },
});
