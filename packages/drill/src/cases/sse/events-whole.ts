import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { settle } from '../support.ts';

export default defineCase({
  slug: 'sse/events-whole',
  level: 'MUST',
  sentence: 'Whatever ends a stream, no event is cut in the middle.',
  source: 'HTML standard section 9.2.6: an event that is not ended by a blank line is discarded',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'stream' });
    const stream = connection.send(ctx.route('stream', { ms: ctx.config.grace * 4 }));
    await stream.head;
    await settle(ctx);
    ctx.target.signal();
    await stream.done;
    const end = stream.text.slice(-60);
    ctx.check(/\r?\n\r?\n$/.test(end), 'a blank line after the last event', JSON.stringify(end));
    await ctx.exit();
  },
});
