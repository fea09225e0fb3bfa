import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { exitsBeforeDeadline, isReady } from '../support.ts';

export default defineCase({
  slug: 'probes/not-counted',
  level: 'MUST',
  sentence: 'Probes that go on asking do not hold the exit.',
  source: 'Contract of the endpoints: probes never count as in-flight work',
  needs: ['ready'],
  async run(ctx: Context) {
    await ctx.start();
    const state = { asking: true };
    const prober = async (): Promise<void> => {
      while (state.asking && ctx.target.exit === undefined) {
        await isReady(ctx);
        await sleep(25);
      }
    };
    // Several: on a busy machine those of one would leave gaps.
    const probing = Promise.all([prober(), prober(), prober(), prober()]);
    await sleep(150);
    ctx.target.signal();
    try {
      await exitsBeforeDeadline(ctx, 'while probes go on');
    } finally {
      state.asking = false;
      await probing;
    }
  },
});
