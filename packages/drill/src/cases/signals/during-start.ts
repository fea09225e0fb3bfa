import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { isSuccess } from '../support.ts';

/** Whether it has started; where there is nothing to ask, whether it listens. */
async function serves(ctx: Context): Promise<boolean> {
  const name = (['ready', 'fast'] as const).find((one) => ctx.config.routes[one] !== undefined);
  const route = name === undefined ? { method: 'GET', path: '/' } : ctx.route(name);
  const answer = await ctx.ask(route, { ms: 300 }).catch(() => undefined);
  return answer !== undefined && (name === undefined ? answer.status > 0 : isSuccess(answer));
}

export default defineCase({
  slug: 'signals/during-start',
  level: 'MUST',
  sentence: 'A signal that comes while the server still starts ends it.',
  source: 'Kubernetes, termination of Pods: a starting container is stopped with the same signal',
  needs: ['variant:slowStart'],
  async run(ctx: Context) {
    const target = await ctx.start({ variant: 'slowStart', wait: false });
    await sleep(Math.max(500, ctx.workMs)); // by then its program runs
    if (target.exit !== undefined) ctx.notApplicable('it ended by itself before the signal');
    if (await serves(ctx)) ctx.notApplicable('it had already started: the variant is not slow');
    target.signal();
    await ctx.exit();
  },
});
