import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { slowInFlight, stillWorking, stopNoticed } from '../support.ts';

const total = 4_000_000;

export default defineCase({
  slug: 'http1/lingering-close',
  level: 'MUST',
  sentence: 'A refusal can be read by a client that is still sending: it is not reset away.',
  source: 'RFC 9112 section 9.6: close in stages, so that the last response is not lost to a reset',
  needs: ['upload', 'slow', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    const { exchange: slow } = await slowInFlight(ctx);
    ctx.target.signal();
    await stopNoticed(ctx);
    const connection = await ctx.connect({ label: 'upload' }).catch(() => undefined);
    if (connection === undefined) ctx.notApplicable('the listener is closed by then');
    stillWorking(ctx, slow);
    const route = ctx.route('upload', {}, 'POST');
    const exchange = connection.owe(route.method, route.path);
    connection.socket.pause(); // the client sends first and reads afterwards, as many do
    connection.write(connection.bytes({ ...route, headers: { 'content-length': String(total) } }));
    for (let sent = 0; sent < total; sent += 500_000) {
      connection.write(Buffer.alloc(500_000, 'u'));
      await sleep(5);
    }
    connection.socket.resume();
    await ctx.answered(exchange);
  },
});
