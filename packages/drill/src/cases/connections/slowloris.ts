import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { settle } from '../support.ts';

export default defineCase({
  slug: 'connections/slowloris',
  level: 'MUST',
  sentence:
    'Clients that send a head byte by byte and never end it do not hold the exit past the deadline.',
  source: 'RFC 9112 section 9.5 (timeouts); the deadline is absolute',
  needs: [],
  async run(ctx: Context) {
    await ctx.start();
    const connections = await ctx.connectMany(10);
    for (const connection of connections) connection.write('GET / HTTP/1.1\r\nHost: x\r\nX-A: ');
    await settle(ctx);
    const drip = setInterval(() => {
      for (const connection of connections) connection.write('a');
    }, 50);
    ctx.cleanup(() => {
      clearInterval(drip);
    });
    ctx.target.signal();
    await ctx.exit();
  },
});
