import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { H2Client } from '../../engine/h2.ts';
import { arrived } from '../streams.ts';
import { acrossMs, underWay } from '../support.ts';

export default defineCase({
  slug: 'http2/in-flight-stream',
  level: 'MUST',
  sentence: 'Streams being worked on when the signal comes are answered in full.',
  source: 'RFC 9113 section 6.8: streams up to the last identifier may complete',
  needs: ['port:h2', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await H2Client.connect(ctx);
    const sent = Array.from({ length: 5 }, () =>
      client.send(ctx.route('slow', { ms: acrossMs(ctx) })),
    );
    await arrived(client);
    for (const { exchange } of sent) underWay(ctx, exchange);
    ctx.target.signal();
    for (const { exchange } of sent) await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
