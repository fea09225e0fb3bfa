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

/** As `settle`, of a server that stops: it may answer nothing any more, and the case must go on in time. */
export async function settleStopping(ctx: Context): Promise<void> {
  if (ctx.config.routes.fast !== undefined) {
    await ctx.ask(ctx.route('fast'), { ms: 200 }).catch(() => undefined);
  }
  await sleep(20);
}

/** How long a piece of work lasts that is to be in flight while the server drains: beyond its leave phase. */
export const acrossMs = (ctx: Context, ms = ctx.workMs): number =>
  Math.round(ctx.config.leave + ms);

/** A request that is being worked on when this returns, and `ms` long once the server has left. */
export async function slowInFlight(ctx: Context, ms?: number): Promise<InFlight> {
  const connection = await ctx.connect({ label: 'slow request' });
  const exchange = connection.send(ctx.route('slow', { ms: acrossMs(ctx, ms) }));
  await settle(ctx);
  underWay(ctx, exchange);
  return { connection, exchange };
}

/** A request whose handler never ends. */
export async function hungInFlight(ctx: Context): Promise<InFlight> {
  const connection = await ctx.connect({ label: 'hung request' });
  const exchange = connection.send(ctx.route('hang'));
  await settle(ctx);
  underWay(ctx, exchange);
  return { connection, exchange };
}

/** A large answer that has begun to arrive, on a connection that is not read any more. */
export async function largeInFlight(ctx: Context, label: string, bytes: number): Promise<InFlight> {
  const connection = await ctx.connect({ label });
  const exchange = connection.send(ctx.route('large', { bytes }));
  await exchange.head;
  connection.socket.pause();
  underWay(ctx, exchange);
  largeEnough(ctx, exchange, bytes);
  return { connection, exchange };
}

/** A shorter answer than was asked for may be in the sockets' buffers already, all of it. */
export function largeEnough(ctx: Context, exchange: Exchange, bytes: number): void {
  const length = Number(exchange.headers.get('content-length') ?? bytes);
  if (length < Math.min(bytes, 10_000_000))
    ctx.notApplicable(`routes.large gives ${length} of ${bytes} bytes`);
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

/** Pipelining is asked only of a server that does it without a stop. */
export async function pipelinesUsually(ctx: Context): Promise<void> {
  const connection = await ctx.connect({ label: 'pipelined before' });
  const sent = [connection.send(ctx.route('fast')), connection.send(ctx.route('fast'))];
  for (const exchange of sent) await ctx.usually(ctx.answered(exchange));
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

export const workOver =
  'the work in flight was over before the server was asked: give it more `work`, ' +
  'unless the server does one request after the other';

/** On a machine so busy that the work was over too soon, nothing can be said of the drain. */
export function stillWorking(ctx: Context, exchange: Exchange): void {
  if (exchange.outcome === 'answered' || exchange.outcome === 'refused') {
    ctx.notApplicable(workOver);
  }
}

/** As `stillWorking`, before the stop: then it must not have been cut either. */
export function underWay(ctx: Context, exchange: Exchange): void {
  stillWorking(ctx, exchange);
  if (exchange.outcome !== 'pending') {
    ctx.notApplicable(`already before the stop: ${exchange.toString()}`);
  }
}

/** What the readiness probe says; a connection refused is "not ready" too. */
export async function isReady(ctx: Context): Promise<boolean> {
  try {
    const ready = isSuccess(await ctx.ask(ctx.route('ready'), { ms: 1000 }));
    const seen = ctx.timeline.marks.some((mark) => mark.kind === 'not-ready');
    if (!ready && !seen) ctx.timeline.mark('not-ready', 'readiness is false');
    return ready;
  } catch {
    return false;
  }
}

/**
 * Waits for the clients of a load case. A server that goes on serving them has lost nothing by that:
 * they end with what they have sent, and the case says that it does not stop.
 */
export async function loadOver(
  ctx: Context,
  load: { readonly done: Promise<unknown>; stop(): void },
): Promise<void> {
  if ((await within(load.done, ctx.patienceMs)) !== late) return;
  load.stop();
  await within(load.done, 1000);
}

/** Readiness goes false, and while the work is still in flight. */
export async function notReadyDuring(ctx: Context, work: Exchange): Promise<void> {
  let yes = 0;
  const flipped = await until(async () => {
    if (!(await isReady(ctx))) return work.outcome;
    yes += 1;
    return undefined;
  }, acrossMs(ctx));
  if (yes === 0) stillWorking(ctx, work);
  ctx.check(
    flipped === 'pending',
    'a readiness that is false while work is in flight',
    flipped === undefined ? 'ready all the time' : `ready until the work was ${flipped}`,
  );
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
  ctx.endedOnlyNow();
}

export const isSuccess = ({ status }: Exchange): boolean => status >= 200 && status < 300;

/** The JSON object in an answer; empty when it is none. */
export function json(exchange: Exchange): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(exchange.text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
