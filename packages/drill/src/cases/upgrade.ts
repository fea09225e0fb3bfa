import type { Context } from '../engine/context.ts';
import type { Exchange } from '../engine/account.ts';
import { slowInFlight, stopNoticed } from './support.ts';

/** An upgrade asked for while the server drains, on a connection opened before. */
export async function lateUpgrade(ctx: Context): Promise<Exchange> {
  await ctx.start();
  const connection = await ctx.connect({ label: 'late upgrade' });
  await slowInFlight(ctx);
  ctx.target.signal();
  await stopNoticed(ctx);
  if (!connection.open) ctx.notApplicable('the connection was closed before the upgrade');
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
