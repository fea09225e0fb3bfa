import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { until } from '../../engine/clock.ts';
import { isAnswer, types } from '../../engine/frames.ts';
import { slowStream } from '../streams.ts';

export default defineCase({
  slug: 'http2/goaway',
  level: 'SHOULD',
  sentence: 'The server sends a GOAWAY while it still finishes streams, so that clients turn away.',
  source: 'RFC 9113 section 6.8: SHOULD always send a GOAWAY before closing',
  needs: ['port:h2', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await slowStream(ctx);
    ctx.target.signal();
    const answerAt = (): number =>
      client.frames.findIndex((one) => one.stream === 1 && isAnswer(one));
    const over = (): boolean => answerAt() >= 0 || client.socket.destroyed;
    await until(() => (over() ? true : undefined), ctx.patienceMs, 5);
    const first = client.frames.findIndex((one) => one.type === types.goaway);
    const answer = answerAt();
    ctx.check(
      first >= 0 && (answer < 0 || first < answer),
      'a GOAWAY before the answer of the stream in flight',
      first < 0 ? 'none came' : 'it came only after the answer',
    );
  },
});
