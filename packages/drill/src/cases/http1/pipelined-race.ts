import { defineCase } from '../../case.ts';
import { sleep } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { loadOver, pipelinesUsually } from '../support.ts';

const depth = 4;

export default defineCase({
  slug: 'http1/pipelined-race',
  level: 'MUST',
  load: true,
  sentence: 'Clients that always have four pipelined requests on the wire lose none of them.',
  source: 'RFC 9112 section 9.3.2 (pipelining) and 9.6: what follows a close may be sent again',
  needs: ['fast'],
  async run(ctx: Context) {
    await ctx.start();
    await pipelinesUsually(ctx);
    const connections = await ctx.connectMany(Math.max(2, Math.round(ctx.clients / 2)));
    const state = { running: true };
    const loops = connections.map(async (connection) => {
      const pipe = Array.from({ length: depth }, () => connection.send(ctx.route('fast')));
      for (let next = pipe.shift(); next !== undefined; next = pipe.shift()) {
        await next.done;
        if (state.running && connection.open && !ctx.stalled(next.sentMs))
          pipe.push(connection.send(ctx.route('fast')));
      }
    });
    await sleep(200 + ctx.random() * 30);
    ctx.target.signal();
    await loadOver(ctx, { done: Promise.all(loops), stop: () => (state.running = false) });
    ctx.noLoss();
    await ctx.exit();
  },
});
