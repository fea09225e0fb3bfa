import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { FrameClient, getHeaders, types } from '../../engine/frames.ts';

export default defineCase({
  slug: 'http2/goaway-no-error',
  level: 'SHOULD',
  sentence: 'The GOAWAY of a planned stop carries NO_ERROR.',
  source: 'RFC 9113 section 6.8 and 7 (NO_ERROR: graceful shutdown)',
  needs: ['port:h2', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await FrameClient.connect(ctx);
    client.send(types.headers, 5, 1, getHeaders(ctx.route('slow', { ms: ctx.workMs }).path));
    await sleep(80);
    ctx.target.signal();
    await client.closed;
    const codes = client.goaways.map((one) => one.code);
    if (codes.length === 0) ctx.notApplicable('the server sent no GOAWAY');
    ctx.check(
      codes.every((code) => code === 0),
      'code 0',
      `codes ${codes.join(', ')}`,
    );
  },
});
