import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { settle } from '../support.ts';

export default defineCase({
  slug: 'sse/stream-finishes',
  level: 'MUST',
  sentence: 'A stream that runs when the signal comes is carried to its end.',
  source: 'Streaming service: draining refuses only new streams',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const connections = await ctx.connectMany(3);
    const route = ctx.route('stream', { ms: ctx.workMs });
    const streams = connections.map((one) => one.send(route));
    await Promise.all(streams.map((one) => one.head));
    await settle(ctx);
    ctx.target.signal();
    for (const stream of streams) await ctx.succeeded(stream);
    await ctx.exit();
  },
});
