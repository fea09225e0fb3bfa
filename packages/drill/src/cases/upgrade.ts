import type { Context } from '../engine/context.ts';
import type { Exchange } from '../engine/account.ts';
import { lateConnection, slowInFlight, stopNoticed } from './support.ts';

/** An upgrade asked for while the server drains. */
export async function lateUpgrade(ctx: Context): Promise<Exchange> {
  await ctx.start();
  const before = await ctx.connect({ label: 'late upgrade' });
  await slowInFlight(ctx);
  ctx.target.signal();
  await stopNoticed(ctx);
  const connection = await lateConnection(ctx, before);
  return connection.send({
    ...ctx.route('websocket'),
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'ZHJpbGxkcmlsbGRyaWxsZA==',
    },
  });
}
