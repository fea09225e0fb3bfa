import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';

export default defineCase({
  slug: 'exit/ends',
  level: 'MUST',
  sentence: 'A server with nothing to do ends on the signal; it does not have to be killed.',
  source: 'Kubernetes, termination of Pods: what still runs after the grace period is killed',
  needs: [],
  async run(ctx: Context) {
    await ctx.start();
    ctx.target.signal();
    await ctx.exit();
  },
});
