import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, sleep, within } from '../../engine/clock.ts';
import { slowInFlight } from '../support.ts';

export default defineCase({
  slug: 'connections/not-left-hanging',
  level: 'SHOULD',
  sentence: 'A new connection during the drain is refused or answered, never accepted and ignored.',
  source: 'Drain runbook: fail fast; a client that hangs cannot turn to another instance',
  needs: ['fast', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    ctx.target.signal();
    await sleep(ctx.config.leave + 150); // not by probing: a probe would hang as well
    const connection = await ctx.connect({ label: 'newcomer' }).catch(() => undefined);
    if (connection !== undefined && connection.open) {
      const done = await within(connection.send(ctx.route('fast')).done, 1000);
      const kept = done !== late && done.outcome !== 'lost';
      ctx.check(kept, 'an answer within 1000 ms', done === late ? 'silence' : String(done));
    }
    await ctx.succeeded(exchange);
  },
});
