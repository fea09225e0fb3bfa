import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { acrossMs, largeInFlight } from '../support.ts';

export default defineCase({
  slug: 'http1/slow-reader',
  level: 'MUST',
  sentence: 'A large answer to a client that reads slowly arrives whole.',
  source: 'RFC 9112 section 8 (a cut message is incomplete) and 9.6',
  needs: ['large'],
  async run(ctx: Context) {
    await ctx.start();
    const { connection, exchange } = await largeInFlight(ctx, 'slow reader', 12_000_000);
    ctx.target.signal();
    const steps = 6;
    const pauseMs = Math.max(20, acrossMs(ctx) / steps);
    for (let step = 0; step < steps && exchange.outcome === 'pending'; step += 1) {
      await sleep(pauseMs);
      connection.socket.resume();
      await sleep(2);
      connection.socket.pause();
    }
    connection.socket.resume();
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
