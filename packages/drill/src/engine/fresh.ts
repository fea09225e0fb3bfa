// Requests on connections of their own: one that was made is owed its answer.
import { Exchange } from './account.ts';
import { nowMs } from './clock.ts';
import { ConnectError, Connection, type RequestBytes } from './connection.ts';
import type { Context } from './context.ts';

export interface Fresh {
  /** Why there was no connection; not a loss, nothing had been promised. */
  readonly refused?: string;
  /** The server ended the connection in order before a request was sent on it. */
  readonly ended?: true;
}

/**
 * One request on a connection of its own. A connection that is reset before its client has come to
 * send is lost as one that is reset after: the kernel had made it, and the client had not been told.
 */
export async function askFresh(ctx: Context, request: RequestBytes): Promise<Fresh> {
  const dialledMs = nowMs();
  const connection = await connect(ctx);
  if (ctx.heldUp(dialledMs)) {
    if (connection instanceof Connection) connection.destroy();
    return {};
  }
  // An attempt that found no listener is ECONNREFUSED: only what was established can be reset.
  if (connection === 'ECONNRESET') lose(ctx, request);
  else if (typeof connection === 'string') return { refused: connection };
  else if (connection.wasReset) lose(ctx, request);
  else if (!connection.open) return { ended: true };
  else {
    await connection.send(request).done;
    connection.destroy();
  }
  return {};
}

/** As `askFresh`, on a connection that was made before: one that was ended in order is asked nothing. */
export async function askMade(
  ctx: Context,
  connection: Connection,
  request: RequestBytes,
): Promise<void> {
  if (connection.wasReset) lose(ctx, request);
  else if (connection.open) await connection.send(request).done;
}

/** The connection, or the code with which the attempt failed. */
async function connect(ctx: Context): Promise<Connection | string> {
  try {
    return await ctx.connect();
  } catch (error) {
    return error instanceof ConnectError ? error.code : String(error);
  }
}

function lose(ctx: Context, { method = 'GET', path }: RequestBytes): void {
  const { account, timeline } = ctx;
  const exchange = new Exchange(method, path, timeline.lane('connection reset'), timeline);
  account.add(exchange);
  exchange.settle('lost', 'the connection was reset before its request was sent');
}
