import type { Exchange } from '../engine/account.ts';
import type { Context } from '../engine/context.ts';
import { settleStopping, slowInFlight } from './support.ts';

export interface Waiting {
  readonly slow: Exchange;
  readonly hook: Exchange;
}

/** A preStop hook that waits while one slow request is in flight. */
export async function hookWaits(
  ctx: Context,
  method: 'GET' | 'POST',
  ms = ctx.workMs,
): Promise<Waiting> {
  await ctx.start();
  const { exchange: slow } = await slowInFlight(ctx, ms);
  const { path } = ctx.route('wait');
  const connection = await ctx.connect({ label: `${method} ${path}` });
  const hook = connection.send({ method, path, headers: ctx.operator });
  ctx.target.stopBegan(`${method} ${path}`);
  await settleStopping(ctx);
  return { slow, hook };
}

/** An operator's call that begins a drain. */
export async function operatorCall(
  ctx: Context,
  name: 'drain' | 'initiate' | 'reset',
): Promise<Exchange> {
  const route = ctx.route(name, {}, 'POST');
  if (name !== 'reset') ctx.target.stopBegan(`${route.method} ${route.path}`);
  return ctx.ask({ ...route, headers: ctx.operator });
}
