import { defineCase } from '../../case.ts';
import type { RouteName } from '../../config/needs.ts';
import type { Context } from '../../engine/context.ts';
import { acrossMs, json, settle, stopNoticed, underWay } from '../support.ts';

const places: readonly RouteName[] = ['count', 'ready', 'status', 'live'];

async function agree(ctx: Context, expected: number, when: string): Promise<void> {
  for (const name of places) {
    if (ctx.config.routes[name] === undefined) continue;
    const answer = await ctx.ask(ctx.route(name)).catch(() => undefined);
    const count = answer === undefined ? 'no connection' : json(answer)['active_streams'];
    if (name === 'count' || count !== undefined) {
      ctx.check(
        count === expected,
        `${expected} active streams ${when}`,
        `${name} says ${String(count)}`,
      );
    }
  }
}

export default defineCase({
  slug: 'probes/count-agrees',
  level: 'MUST',
  sentence: 'Every endpoint gives the same number of active streams, before and during the drain.',
  source: 'Streaming service: one source of truth for the counts',
  needs: ['count', 'stream'],
  async run(ctx: Context) {
    await ctx.start();
    const connections = await ctx.connectMany(3);
    const streams = connections.map((one) =>
      one.send(ctx.route('stream', { ms: acrossMs(ctx, ctx.config.grace) })),
    );
    await Promise.all(streams.map((one) => one.head));
    await settle(ctx);
    for (const one of streams) underWay(ctx, one);
    await agree(ctx, 3, 'before the signal');
    ctx.target.signal();
    await stopNoticed(ctx);
    await agree(ctx, 3, 'while draining');
  },
});
