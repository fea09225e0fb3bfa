import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep, until } from '../../engine/clock.ts';
import { FrameClient, getHeaders, types } from '../../engine/frames.ts';

export default defineCase({
  slug: 'http2/goaway',
  level: 'SHOULD',
  sentence: 'The server sends a GOAWAY while it still finishes streams, so that clients turn away.',
  source: 'RFC 9113 section 6.8: SHOULD always send a GOAWAY before closing',
  needs: ['port:h2', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await FrameClient.connect(ctx);
    const { path } = ctx.route('slow', { ms: ctx.workMs });
    client.send(types.headers, 5, 1, getHeaders(path));
    await sleep(80);
    ctx.target.signal();
    await until(() => (client.frames.some((one) => one.stream === 1) ? true : undefined), 5000, 5);
    const first = client.frames.findIndex((one) => one.type === types.goaway);
    const answer = client.frames.findIndex((one) => one.stream === 1);
    ctx.check(
      first >= 0 && (answer < 0 || first < answer),
      'a GOAWAY before the answer of the stream in flight',
      first < 0 ? 'none came' : 'it came only after the answer',
    );
  },
});
