import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { H2Client } from '../../engine/h2.ts';
import { arrived } from '../streams.ts';
import { acrossMs, underWay } from '../support.ts';

export default defineCase({
  slug: 'http2/upload',
  level: 'MUST',
  sentence: 'An upload on a stream that began before the signal is taken whole.',
  source: 'RFC 9113 section 6.8; drain runbook (uploads finish whole)',
  needs: ['port:h2', 'upload'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await H2Client.connect(ctx);
    const half = Buffer.alloc(20_000, 'u');
    const { exchange, stream } = client.send({
      ...ctx.route('upload', {}, 'POST'),
      body: half,
      end: false,
    });
    await arrived(client);
    if (exchange.status > 0) ctx.notApplicable('the server answers before it has the whole upload');
    underWay(ctx, exchange);
    ctx.target.signal();
    await sleep(acrossMs(ctx, ctx.workMs / 2));
    ctx.check(exchange.status === 0, 'no answer before the upload is whole', String(exchange));
    stream.end(half);
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
