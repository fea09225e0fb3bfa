// The openings that many cases share.
import type { Exchange } from '../engine/account.ts';
import { late, nowMs, sleep, until, within } from '../engine/clock.ts';
import type { Connection } from '../engine/connection.ts';
import type { Context } from '../engine/context.ts';

export interface InFlight {
  readonly connection: Connection;
  readonly exchange: Exchange;
}

/** Time for bytes just sent to reach the server's handler: a whole round trip after them, if one is offered. */
export async function settle(ctx: Context): Promise<void> {
  if (ctx.config.routes.fast !== undefined) await ctx.ask(ctx.route('fast'));
  await sleep(20);
}

/** A request that is being worked on when this returns. */
export async function slowInFlight(ctx: Context, ms = ctx.workMs): Promise<InFlight> {
  const connection = await ctx.connect({ label: 'slow request' });
  const exchange = connection.send(ctx.route('slow', { ms }));
  await settle(ctx);
  stillWorking(ctx, exchange);
  return { connection, exchange };
}

/** A connection that has had one answer and is kept alive. */
export async function usedConnection(ctx: Context): Promise<Connection> {
  const connection = await ctx.connect();
  await ctx.usually(ctx.answered(connection.send(ctx.route('fast'))));
  if (!connection.open) ctx.notApplicable('the server does not keep connections alive');
  return connection;
}

/**
 * A connection to ask on while the server drains: a new one, for an idle one may be closed at any
 * moment; or else the one opened before, where the listener is closed already.
 */
export async function lateConnection(ctx: Context, before: Connection): Promise<Connection> {
  const fresh = await ctx.connect({ label: 'late request' }).catch(() => undefined);
  const connection = fresh ?? before;
  if (!connection.open) ctx.notApplicable('the server takes no request any more by then');
  return connection;
}

export async function usedConnections(ctx: Context, count: number): Promise<Connection[]> {
  const connections = await ctx.connectMany(count);
  // Side by side: one after another, the first would be idle for too long by the last.
  await ctx.usually(
    Promise.all(connections.map((one) => ctx.answered(one.send(ctx.route('fast'))))),
  );
  if (connections.some((one) => !one.open)) {
    ctx.notApplicable('the server does not keep connections alive');
  }
  return connections;
}

/** Waits until the server shows that it knows of the stop, and has ended its leave phase. */
export async function stopNoticed(ctx: Context): Promise<void> {
  const { leave, routes } = ctx.config;
  if (leave > 0) await sleep(leave);
  if (routes.ready === undefined) return sleep(150);
  await until(async () => ((await isReady(ctx)) ? undefined : true), 1000);
  await sleep(20);
}

/** On a machine so busy that the work was over too soon, nothing can be said of the drain. */
export function stillWorking(ctx: Context, exchange: Exchange): void {
  if (exchange.outcome === 'answered' || exchange.outcome === 'refused') {
    ctx.notApplicable(
      'the work in flight was over before the server was asked: give it more `work`, ' +
        'unless the server does one request after the other',
    );
  }
}

/** What the readiness probe says; a connection refused is "not ready" too. */
export async function isReady(ctx: Context): Promise<boolean> {
  try {
    const { status } = await ctx.ask(ctx.route('ready'), { ms: 1000 });
    const ready = status >= 200 && status < 300;
    const seen = ctx.timeline.marks.some((mark) => mark.kind === 'not-ready');
    if (!ready && !seen) ctx.timeline.mark('not-ready', 'readiness is false');
    return ready;
  } catch {
    return false;
  }
}

/** The connection's end within `ms`, undefined when it is still open. */
export async function closedWithin(connection: Connection, ms: number) {
  const how = await within(connection.closed, ms);
  return how === late ? undefined : how;
}

/** The server exits well before its deadline: nothing but real work may use up the grace. */
export async function exitsBeforeDeadline(ctx: Context, because: string): Promise<void> {
  const ms = Math.round(ctx.config.leave + ctx.config.grace * 0.8);
  const spentMs = nowMs() - (ctx.target.signalledMs ?? nowMs());
  const exit = await ctx.target.ended(Math.max(0, ms - spentMs));
  ctx.check(exit !== undefined, `an exit within ${ms} ms ${because}`, 'the process still runs');
}

/** The JSON object in an answer; empty when it is none. */
export function json(exchange: Exchange): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(exchange.text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
