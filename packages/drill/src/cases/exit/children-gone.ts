import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { until } from '../../engine/clock.ts';
import { commandOf } from '../../engine/processes.ts';

export default defineCase({
  slug: 'exit/children-gone',
  level: 'MUST',
  sentence: 'No child of the server outlives it.',
  source: 'An orphan holds memory, ports and locks that the next instance needs',
  needs: ['variant:children'],
  async run(ctx: Context) {
    await ctx.start({ variant: 'children' });
    const children = await until(() => {
      const found = ctx.target.processes().filter((pid) => pid !== ctx.target.pid);
      return found.length > 0 ? found : undefined;
    }, 3000);
    if (children === undefined) ctx.notApplicable('the variant starts no child');
    ctx.target.signal();
    await ctx.exit();
    await until(() => (ctx.target.processes().length === 0 ? true : undefined), 500);
    const left = ctx.target.processes().map((pid) => `${pid} ${commandOf(pid)}`);
    ctx.check(left.length === 0, 'no process left', left.join('; '));
  },
});
