import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, within } from '../../engine/clock.ts';
import { lateConnection, slowInFlight, stillWorking, stopNoticed } from '../support.ts';

export default defineCase({
  slug: 'sse/new-stream-refused',
  level: 'SHOULD',
  sentence: 'A new stream during the drain is refused at once rather than cut later.',
  source: 'Streaming service: new streams get 503 while draining',
  needs: ['stream', 'slow'],
  async run(ctx: Context) {
    await ctx.start();
    const before = await ctx.connect({ label: 'late stream' });
    const { exchange: slow } = await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    const connection = await lateConnection(ctx, before);
    stillWorking(ctx, slow);
    const stream = connection.send(ctx.route('stream', { ms: ctx.config.grace * 4 }));
    const head = await within(stream.head, 1000);
    ctx.check(head !== late && head.status === 503, 'a 503', String(stream));
  },
});
