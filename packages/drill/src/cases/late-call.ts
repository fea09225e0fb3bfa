import type { Exchange } from '../engine/account.ts';
import { sleep } from '../engine/clock.ts';
import type { Context } from '../engine/context.ts';
import { call, collect, connectGrpc } from '../engine/grpc.ts';
import { stopNoticed } from './support.ts';

export interface LateCall {
  readonly exchange: Exchange;
  readonly body: () => Buffer;
}

/** A call made while a slow one holds the drain; undefined when the server takes no calls any more. */
export async function lateCall(ctx: Context, method: string): Promise<LateCall | undefined> {
  await ctx.start();
  const holder = await connectGrpc(ctx);
  call(holder, ctx.config.grpcUnary ?? '', { 'drill-ms': String(ctx.workMs) });
  await sleep(100);
  ctx.target.signal();
  await stopNoticed(ctx);
  const client = await connectGrpc(ctx).catch(() => undefined);
  if (client === undefined || !client.open) return undefined;
  const { exchange } = call(client, method);
  const body = collect(exchange);
  await exchange.done;
  return { exchange, body };
}
