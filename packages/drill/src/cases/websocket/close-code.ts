import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, within } from '../../engine/clock.ts';
import { openOne } from '../sockets.ts';

export default defineCase({
  slug: 'websocket/close-code',
  level: 'SHOULD',
  sentence: 'The close frame says 1001 (going away) or 1012 (service restart).',
  source: 'RFC 6455 section 7.4.1; IANA WebSocket close codes',
  needs: ['websocket'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await openOne(ctx);
    ctx.target.signal();
    const end = await within(client.closed, ctx.patienceMs);
    const code = end === late ? 'no close' : String(end.code);
    ctx.check(['1001', '1012'].includes(code), '1001 or 1012', code);
  },
});
