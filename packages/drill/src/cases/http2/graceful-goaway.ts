import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { within } from '../../engine/clock.ts';
import { slowStream } from '../streams.ts';

const highest = 2 ** 31 - 1;

export default defineCase({
  slug: 'http2/graceful-goaway',
  level: 'SHOULD',
  sentence: 'A first GOAWAY with 2^31-1 warns, a second one names the last stream.',
  source: 'RFC 9113 section 6.8: SHOULD send an initial GOAWAY with 2^31-1 and NO_ERROR',
  needs: ['port:h2', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await slowStream(ctx);
    ctx.target.signal();
    await within(client.closed, ctx.patienceMs);
    const ids = client.goaways.map((one) => one.lastStreamId);
    ctx.check(
      ids[0] === highest && (ids.at(-1) ?? highest) < highest,
      `GOAWAY ${highest} and then a lower one`,
      ids.length === 0 ? 'none' : `GOAWAY with ${ids.join(', ')}`,
    );
  },
});
