// Closed-loop clients: each sends its next request when the last one is settled, and never again.
import { nowMs, sleep } from './clock.ts';
import { ConnectError, type Connection } from './connection.ts';
import type { Context } from './context.ts';

export interface LoadOptions {
  readonly clients: number;
  /** A request's pause before the next one, at most; the pause is drawn anew each time. */
  readonly thinkMs?: number;
  /** A fresh connection for every request, rather than one for as long as it is open. */
  readonly fresh?: boolean;
}

export interface Load {
  /** Lets each client finish what it has sent, and then stop. */
  stop(): void;
  readonly done: Promise<void>;
  /** Attempts to connect that failed; not losses, nothing had been promised. */
  readonly refusedConnects: string[];
}

/** Clients stop by themselves once the server ends their connection (or refuses a fresh one). */
export async function startLoad(ctx: Context, options: LoadOptions): Promise<Load> {
  const state = { running: true };
  const refusedConnects: string[] = [];
  const request = ctx.route('fast');

  const first = options.fresh === true ? [] : await ctx.connectMany(options.clients);
  // Kept-alive connections have been used: none of them is still in the accept queue.
  await ctx.usually(Promise.all(first.map((one) => ctx.answered(one.send(request)))));
  async function client(index: number): Promise<void> {
    let connection: Connection | undefined = first[index];
    let sinceMs = nowMs();
    while (state.running) {
      if (options.fresh === true) {
        sinceMs = nowMs();
        connection = await connect();
      }
      if (connection === undefined || !connection.open) return;
      if (options.fresh !== true && ctx.stalled(sinceMs)) return;
      if (options.fresh === true && ctx.heldUp(sinceMs)) {
        connection.destroy();
        continue;
      }
      sinceMs = nowMs();
      const headers: Record<string, string> = options.fresh === true ? { connection: 'close' } : {};
      await connection.send({ ...request, headers }).done;
      if (options.fresh === true) connection.destroy();
      if (options.thinkMs !== undefined) await sleep(ctx.random() * options.thinkMs);
    }
  }

  async function connect(): Promise<Connection | undefined> {
    try {
      return await ctx.connect();
    } catch (error) {
      refusedConnects.push(error instanceof ConnectError ? error.code : String(error));
      return undefined;
    }
  }

  const done = Promise.all(
    Array.from({ length: options.clients }, (_, index) => client(index)),
  ).then(() => undefined);
  return {
    stop: () => {
      state.running = false;
    },
    done,
    refusedConnects,
  };
}
