import { defineCase } from '../../case.ts';
import { within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { upgradeHeaders } from '../sockets.ts';
import { exitsBeforeDeadline } from '../support.ts';

export default defineCase({
  slug: 'websocket/silent-peer',
  level: 'MUST',
  sentence: 'A peer that never answers the close frame does not hold the exit.',
  source: 'RFC 6455 section 7.1.1: the server may close at any time; the wait needs a limit',
  needs: ['websocket'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'silent socket' });
    connection.answersFin = false;
    const exchange = connection.send({ ...ctx.route('websocket'), headers: upgradeHeaders });
    await within(exchange.done, ctx.patienceMs);
    if (exchange.status !== 101)
      ctx.notApplicable(`already before the stop: ${exchange.toString()}`);
    ctx.target.signal();
    await exitsBeforeDeadline(ctx, 'with a peer that answers no close frame');
  },
});
