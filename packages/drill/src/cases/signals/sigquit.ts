import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { exitsBeforeDeadline, hungInFlight } from '../support.ts';

export default defineCase({
  slug: 'signals/sigquit',
  level: 'SHOULD',
  sentence: 'SIGQUIT ends the server without waiting for hung work.',
  source: 'Contract of the signals: SIGQUIT skips the wait',
  needs: ['hang'],
  async run(ctx: Context) {
    if (ctx.config.stopSignal === 'SIGQUIT') ctx.notApplicable('SIGQUIT is the graceful signal');
    await ctx.start();
    await hungInFlight(ctx);
    ctx.target.signal('SIGQUIT');
    await exitsBeforeDeadline(ctx, 'after SIGQUIT');
  },
});
