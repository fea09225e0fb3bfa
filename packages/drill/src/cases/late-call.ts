import type { Exchange } from '../engine/account.ts';
import { late, within } from '../engine/clock.ts';
import type { Context } from '../engine/context.ts';
import { call, collect, connectGrpc } from '../engine/grpc.ts';
import { arrived } from './streams.ts';
import { acrossMs, stillWorking, stopNoticed, underWay } from './support.ts';

export interface LateCall {
  readonly exchange: Exchange;
  readonly body: () => Buffer;
}

/**
 * A call made while a slow one holds the drain; `turned away` when the server takes no calls any more,
 * `silence` when it neither takes nor refuses the connection.
 */
export async function lateCall(
  ctx: Context,
  method: string,
): Promise<LateCall | 'turned away' | 'silence'> {
  await ctx.start();
  const holder = await connectGrpc(ctx);
  const { exchange: slow } = call(holder, ctx.config.grpcUnary ?? '', {
    'drill-ms': String(acrossMs(ctx)),
  });
  await arrived(holder);
  underWay(ctx, slow);
  ctx.target.signal();
  await stopNoticed(ctx);
  stillWorking(ctx, slow);
  const refused = (): undefined => undefined;
  const client = await within(connectGrpc(ctx).catch(refused), 2000);
  if (client === late) return 'silence';
  if (client === undefined || !client.open) return 'turned away';
  const { exchange } = call(client, method);
  const body = collect(exchange);
  await within(exchange.done, ctx.patienceMs);
  return exchange.outcome === 'void' ? 'turned away' : { exchange, body };
}
