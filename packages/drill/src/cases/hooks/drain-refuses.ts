import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { isReady, slowInFlight } from '../support.ts';
import { operatorCall } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/drain-refuses',
  level: 'MUST',
  sentence: 'After a drain call readiness is false and new work fails fast with 503.',
  source: 'Drain runbook: flips readiness, makes new predictions fail fast with 503',
  needs: ['drain', 'slow', 'fast', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange } = await slowInFlight(ctx);
    await operatorCall(ctx, 'drain');
    ctx.check(!(await isReady(ctx)), 'readiness to be false', 'it is true');
    const fast = await ctx.ask(ctx.route('fast')).catch(() => undefined);
    const refused = fast === undefined || fast.status === 503;
    ctx.check(refused || ctx.config.leave > 0, 'a 503', String(fast));
    await ctx.succeeded(exchange);
  },
});
