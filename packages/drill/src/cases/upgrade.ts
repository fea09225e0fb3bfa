import type { Context } from '../engine/context.ts';
import type { Exchange } from '../engine/account.ts';
import { upgradeHeaders } from './sockets.ts';
import { lateConnection, slowInFlight, stillWorking, stopNoticed } from './support.ts';

/** An upgrade asked for while the server drains. */
export async function lateUpgrade(ctx: Context): Promise<Exchange> {
  await ctx.start();
  const before = await ctx.connect({ label: 'late upgrade' });
  const { exchange: slow } = await slowInFlight(ctx);
  ctx.target.signal();
  await stopNoticed(ctx);
  const connection = await lateConnection(ctx, before);
  stillWorking(ctx, slow);
  return connection.send({ ...ctx.route('websocket'), headers: upgradeHeaders });
}
