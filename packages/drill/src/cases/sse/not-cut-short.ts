import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { settle } from '../support.ts';

const lastEvent = (text: string): string =>
  (text.trimEnd().split('\n\n').at(-1) ?? '').replaceAll(/\d+/g, 'N');

export default defineCase({
  slug: 'sse/not-cut-short',
  level: 'MUST',
  sentence: 'A stream within the grace ends with the same last event as without a signal.',
  source: 'Streaming service: registered streams go on to their end',
  needs: ['stream'],
  async run(ctx: Context) {
    await ctx.start();
    const route = ctx.route('stream', { ms: ctx.workMs });
    const before = await ctx.connectMany(2);
    const [usual = '', again] = await Promise.all(
      before.map(async (one) =>
        lastEvent((await ctx.usually(ctx.succeeded(one.send(route)))).text),
      ),
    );
    if (usual !== again) ctx.notApplicable('the last event of a stream is never the same');
    const connection = await ctx.connect({ label: 'stream across' });
    const stream = connection.send(route);
    await stream.head;
    await settle(ctx);
    ctx.target.signal();
    await ctx.succeeded(stream);
    const actual = lastEvent(stream.text);
    ctx.check(actual === usual, `the last event ${usual}`, actual);
    await ctx.exit();
  },
});
