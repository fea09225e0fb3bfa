import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { H2Client } from '../../engine/h2.ts';
import { acrossMs, largeEnough, underWay } from '../support.ts';

/** What a server may send without being given more window (RFC 9113 section 6.9.2). */
const firstWindow = 65_535;

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
    underWay(ctx, exchange);
    largeEnough(ctx, exchange, bytes);
    ctx.target.signal();
    await sleep(acrossMs(ctx));
    stream.resume();
    await ctx.succeeded(exchange);
    const length = Number(exchange.headers.get('content-length') ?? exchange.bodyBytes);
    ctx.check(exchange.bodyBytes === length, `${length} bytes`, `${exchange.bodyBytes} bytes`);
    if (length <= firstWindow)
      ctx.notApplicable(`routes.large gives ${length} bytes: no window is used up`);
    await ctx.exit();
  },
});
