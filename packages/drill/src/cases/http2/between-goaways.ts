import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, until, within } from '../../engine/clock.ts';
import { getHeaders, isAnswer, types } from '../../engine/frames.ts';
import { slowStream } from '../streams.ts';

export default defineCase({
  slug: 'http2/between-goaways',
  level: 'MUST',
  sentence: 'A stream that was on its way when the first GOAWAY was sent is answered or disowned.',
  source: 'RFC 9113 section 6.8: the last identifier tells what was or might be processed',
  needs: ['port:h2', 'slow', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await slowStream(ctx);
    let sent = false;
    client.onFrame = (frame) => {
      if (frame.type !== types.goaway || sent) return;
      sent = true;
      client.send(types.headers, 5, 3, getHeaders(ctx.route('fast').path));
    };
    ctx.target.signal();
    const disowned = (): boolean => (client.goaways.at(-1)?.lastStreamId ?? 3) < 3;
    const settled = (): boolean =>
      client.frames.some((one) => one.stream === 3 && isAnswer(one)) || (sent && disowned());
    await until(() => (settled() ? true : undefined), ctx.config.leave + 2000, 5);
    if (!sent) ctx.notApplicable('the server sent no GOAWAY while a stream was in flight');
    ctx.check(settled(), 'stream 3 answered, reset or above the last GOAWAY', 'silence');
    ctx.check((await within(client.closed, ctx.patienceMs)) !== late, 'an end', 'still open');
    await ctx.exit();
  },
});
