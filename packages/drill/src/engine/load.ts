// Closed-loop clients: each sends its next request when the last one is settled, and never again.
import { nowMs, sleep } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Context } from './context.ts';
import { askFresh } from './fresh.ts';

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
  /** Attempts to connect that failed, or came to nothing; not losses, nothing had been promised. */
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
  async function kept(connection: Connection): Promise<void> {
    let sinceMs = nowMs();
    while (state.running) {
      if (!connection.open || ctx.stalled(sinceMs)) return;
      sinceMs = nowMs();
      await connection.send(request).done;
      await think();
    }
  }

  async function fresh(): Promise<void> {
    while (state.running) {
      const { refused, ended } = await askFresh(ctx, {
        ...request,
        headers: { connection: 'close' },
      });
      const why = ended === true ? 'ended before a request was sent' : refused;
      if (why !== undefined) {
        refusedConnects.push(why);
        return;
      }
      await think();
    }
  }

  async function think(): Promise<void> {
    if (options.thinkMs !== undefined) await sleep(ctx.random() * options.thinkMs);
  }

  const clients =
    options.fresh === true ? Array.from({ length: options.clients }, fresh) : first.map(kept);
  const done = Promise.all(clients).then(() => undefined);
  return {
    stop: () => {
      state.running = false;
    },
    done,
    refusedConnects,
  };
}
