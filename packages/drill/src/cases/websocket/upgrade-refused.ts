import { defineCase } from '../../case.ts';
import { within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { lateUpgrade } from '../upgrade.ts';

export default defineCase({
  slug: 'websocket/upgrade-refused',
  level: 'SHOULD',
  sentence: 'A new socket during the drain is refused with 503, for another instance to take.',
  source: 'Task service: a new client during shutdown lands on another instance',
  needs: ['websocket', 'slow'],
  async run(ctx: Context) {
    const exchange = await lateUpgrade(ctx);
    await within(exchange.head, ctx.patienceMs);
    ctx.check(exchange.status === 503, 'a 503', String(exchange));
  },
});
