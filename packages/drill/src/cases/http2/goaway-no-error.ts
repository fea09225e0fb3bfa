import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { within } from '../../engine/clock.ts';
import { slowStream } from '../streams.ts';

export default defineCase({
  slug: 'http2/goaway-no-error',
  level: 'SHOULD',
  sentence: 'The GOAWAY of a planned stop carries NO_ERROR.',
  source: 'RFC 9113 section 6.8 and 7 (NO_ERROR: graceful shutdown)',
  needs: ['port:h2', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await slowStream(ctx);
    ctx.target.signal();
    await within(client.closed, ctx.patienceMs);
    const codes = client.goaways.map((one) => one.code);
    if (codes.length === 0) ctx.notApplicable('the server sent no GOAWAY');
    ctx.check(
      codes.every((code) => code === 0),
      'code 0',
      `codes ${codes.join(', ')}`,
    );
  },
});
