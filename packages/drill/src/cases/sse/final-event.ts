import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { settle } from '../support.ts';

export default defineCase({
  slug: 'sse/final-event',
  level: 'MUST',
  sentence: 'A stream cancelled at the deadline ends in order: a last event, then the last chunk.',
  source: 'Streaming service: at the deadline each client gets a proper final event',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const connection = await ctx.connect({ label: 'long stream' });
    const stream = connection.send(ctx.route('stream', { ms: ctx.config.grace * 4 }));
    await stream.head;
    await settle(ctx);
    ctx.target.signal();
    await ctx.answered(stream, 'an orderly end of the stream');
    await ctx.exit();
  },
});
