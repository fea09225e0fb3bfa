import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, within } from '../../engine/clock.ts';
import { openSockets } from '../sockets.ts';

export default defineCase({
  slug: 'websocket/close-frame',
  level: 'MUST',
  sentence: 'A connected client gets a close frame, it is not just cut off.',
  source: 'RFC 6455 section 7.1.1: the closing handshake before the TCP connection ends',
  needs: ['websocket'],
  async run(ctx: Context) {
    await ctx.start();
    const clients = await openSockets(ctx, 3);
    ctx.target.signal();
    for (const client of clients) {
      const end = await within(client.closed, ctx.patienceMs);
      ctx.check(end !== late, 'a close frame', 'the socket is still open');
      ctx.check(end.code !== 1006, 'a close frame', 'the connection was cut (1006)');
    }
    await ctx.exit();
  },
});
