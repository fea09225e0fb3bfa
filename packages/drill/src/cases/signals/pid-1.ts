import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { until } from '../../engine/clock.ts';

const wrap = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'];

/** Never 0, which would be this process's own group. */
function childOf(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return Number(children.split(' ')[0]) || undefined;
  } catch {
    return undefined;
  }
}

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
    const first = await until(() => childOf(target.pid), 1000);
    if (first === undefined) ctx.notApplicable('it ended by itself before the signal');
    target.signal(ctx.config.stopSignal, first);
    await ctx.exit();
  },
});
