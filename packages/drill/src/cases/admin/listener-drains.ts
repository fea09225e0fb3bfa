import { defineCase } from '../../case.ts';
import { until } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { isReady } from '../support.ts';

export default defineCase({
  slug: 'admin/listener-drains',
  level: 'MUST',
  sentence: 'An operator’s drain call on the admin listener drains the service itself.',
  source: 'Contract of the endpoints: the admin listener serves the same calls',
  needs: ['port:admin', 'drain', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    const route = ctx.route('drain', {}, 'POST');
    ctx.target.stopBegan(`${route.method} ${route.path} on the admin listener`);
    const answer = await ctx.ask({ ...route, headers: ctx.operator }, { port: 'admin' });
    ctx.check(answer.status === 202, 'a 202', String(answer));
    const down = await until(async () => ((await isReady(ctx)) ? undefined : true), 1000);
    ctx.check(down === true, 'readiness to be false on the service’s own port', 'it stays true');
  },
});
