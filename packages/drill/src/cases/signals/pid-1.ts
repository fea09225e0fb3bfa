import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { until } from '../../engine/clock.ts';

const wrap = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'];

export default defineCase({
  slug: 'signals/pid-1',
  level: 'MUST',
  sentence: 'As process 1 of a container the server still obeys the signal.',
  source: 'kill(2): process 1 gets only signals for which it has a handler',
  needs: [],
  async run(ctx: Context) {
    if (spawnSync(wrap[0] ?? '', [...wrap.slice(1), 'true']).status !== 0) {
      ctx.notApplicable('a PID namespace cannot be made here (it takes root and unshare)');
    }
    const target = await ctx.start({ wrap });
    const children = `/proc/${target.pid}/task/${target.pid}/children`;
    const first = await until(() => Number(readFileSync(children, 'utf8').split(' ')[0]), 1000);
    target.signal(ctx.config.stopSignal, first);
    await ctx.exit();
  },
});
