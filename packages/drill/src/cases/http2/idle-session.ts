import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { H2Client } from '../../engine/h2.ts';
import { exitsBeforeDeadline } from '../support.ts';

export default defineCase({
  slug: 'http2/idle-session',
  level: 'MUST',
  sentence: 'Sessions without an open stream do not hold the exit.',
  source: 'RFC 9113 section 9.1 (idle connections may be closed, after a GOAWAY)',
  needs: ['port:h2', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    const clients = await Promise.all(Array.from({ length: 5 }, () => H2Client.connect(ctx)));
    for (const client of clients) {
      await ctx.usually(ctx.succeeded(client.send(ctx.route('fast')).exchange));
    }
    ctx.target.signal();
    await exitsBeforeDeadline(ctx, 'with five idle sessions');
  },
});
