import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { H2Client } from '../../engine/h2.ts';

export default defineCase({
  slug: 'http2/slow-reader',
  level: 'MUST',
  sentence: 'A large answer to a client that gives little flow-control window arrives whole.',
  source: 'RFC 9113 section 5.2 (flow control) and 6.8',
  needs: ['port:h2', 'large'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await H2Client.connect(ctx);
    const bytes = 3_000_000;
    const { exchange, stream } = client.send(ctx.route('large', { bytes }));
    stream.pause();
    await exchange.head;
    ctx.target.signal();
    await sleep(ctx.workMs);
    stream.resume();
    await ctx.succeeded(exchange);
    const length = Number(exchange.headers.get('content-length') ?? exchange.bodyBytes);
    ctx.check(exchange.bodyBytes === length, `${length} bytes`, `${exchange.bodyBytes} bytes`);
    await ctx.exit();
  },
});
