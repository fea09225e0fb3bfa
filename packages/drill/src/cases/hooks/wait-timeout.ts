import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hungInFlight, json } from '../support.ts';

export default defineCase({
  slug: 'hooks/wait-timeout',
  level: 'SHOULD',
  sentence: 'A hook that waits past the deadline is answered, and told that work was cancelled.',
  source: 'Streaming service: status "timeout" after GRACEFUL_SHUTDOWN_TIMEOUT',
  needs: ['wait', 'hang'],
  async run(ctx: Context) {
    await ctx.start();
    await hungInFlight(ctx);
    const { path } = ctx.route('wait');
    const connection = await ctx.connect({ label: 'hook' });
    const hook = connection.send({ method: 'POST', path, headers: ctx.operator });
    ctx.target.stopBegan(`POST ${path}`);
    await ctx.succeeded(hook);
    const status = json(hook)['status'];
    ctx.check(status === 'timeout', 'status "timeout"', hook.text.slice(0, 120));
  },
});
