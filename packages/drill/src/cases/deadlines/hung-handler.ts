import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hungInFlight } from '../support.ts';

export default defineCase({
  slug: 'deadlines/hung-handler',
  level: 'MUST',
  sentence: 'A handler that never ends does not hold the exit past grace and force.',
  source: 'Kubernetes: SIGKILL follows terminationGracePeriodSeconds',
  needs: ['hang'],
  async run(ctx: Context) {
    await ctx.start();
    await hungInFlight(ctx);
    ctx.target.signal();
    await ctx.exit();
  },
});
