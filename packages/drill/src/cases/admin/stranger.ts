import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import type { RouteName } from '../../config/needs.ts';
import { keptOut, throughProxy } from '../intruding.ts';

const guarded: readonly RouteName[] = ['drain', 'initiate', 'wait', 'reset'];

export default defineCase({
  slug: 'admin/stranger',
  level: 'MUST',
  sentence: 'A stranger who comes through the proxy can neither drain the server nor undo a drain.',
  source: 'Contract of the endpoints: anyone else gets 403 and nothing changes',
  needs: ['drain', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    for (const name of guarded) {
      if (ctx.config.routes[name] === undefined) continue;
      await keptOut(ctx, { ...ctx.route(name, {}, 'POST'), headers: { ...throughProxy } });
    }
  },
});
