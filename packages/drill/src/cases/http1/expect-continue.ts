import { defineCase } from '../../case.ts';
import type { Exchange } from '../../engine/account.ts';
import { until } from '../../engine/clock.ts';
import type { Connection } from '../../engine/connection.ts';
import type { Context } from '../../engine/context.ts';
import { lateConnection, slowInFlight, stillWorking, stopNoticed } from '../support.ts';

const body = '12345';

/** Sends the head alone and waits for a word on it. */
async function ask(ctx: Context, connection: Connection): Promise<Exchange> {
  const route = ctx.route('upload', {}, 'POST');
  const exchange = connection.owe(route.method, route.path);
  const headers = { expect: '100-continue', 'content-length': String(body.length) };
  connection.write(connection.bytes({ ...route, headers }));
  const over = (): boolean => told(exchange) || exchange.outcome !== 'pending';
  await until(() => (over() ? true : undefined), 2000, 5);
  return exchange;
}

const told = ({ informational, status }: Exchange): boolean =>
  informational.includes(100) || status > 0;

/** Sends the body where the answer is not there already. */
async function go(ctx: Context, connection: Connection, exchange: Exchange): Promise<void> {
  if (exchange.status === 0) connection.write(body);
  await ctx.answered(exchange);
}

async function usually(ctx: Context): Promise<void> {
  const connection = await ctx.connect({ label: 'expect before' });
  const exchange = await ask(ctx, connection);
  if (!told(exchange)) ctx.notApplicable(`already before the stop: ${exchange.toString()}`);
  await ctx.usually(go(ctx, connection, exchange));
  connection.destroy();
}

export default defineCase({
  slug: 'http1/expect-continue',
  level: 'MUST',
  sentence: 'A client that asks with Expect: 100-continue is told to go on or is refused.',
  source: 'RFC 9110 section 10.1.1: MUST send 100 or a final status',
  needs: ['upload', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    await usually(ctx);
    const before = await ctx.connect({ label: 'expect: 100-continue' });
    const { exchange: slow } = await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    const connection = await lateConnection(ctx, before);
    stillWorking(ctx, slow);
    const exchange = await ask(ctx, connection);
    ctx.check(told(exchange), 'a 100 or a final status', String(exchange));
    await go(ctx, connection, exchange);
    await ctx.succeeded(slow);
    await ctx.exit();
  },
});
