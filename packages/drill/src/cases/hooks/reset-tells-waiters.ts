import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, within } from '../../engine/clock.ts';
import { hookWaits, operatorCall } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/reset-tells-waiters',
  level: 'SHOULD',
  sentence: 'When a drain is undone, whoever waits for it is told at once (409).',
  source: 'Contract of the endpoints: every waiter of the undone drain is answered 409',
  needs: ['reset', 'wait', 'slow'],
  async run(ctx: Context) {
    const { hook } = await hookWaits(ctx, 'POST', ctx.config.grace * 0.7);
    await operatorCall(ctx, 'reset');
    const done = await within(hook.done, 1000);
    ctx.check(done !== late && done.status === 409, 'a 409 within 1000 ms', String(hook));
  },
});
