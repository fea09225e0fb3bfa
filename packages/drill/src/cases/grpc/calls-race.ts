import { defineCase } from '../../case.ts';
import { sleep, within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { call, connectGrpc } from '../../engine/grpc.ts';

export default defineCase({
  slug: 'grpc/calls-race',
  level: 'MUST',
  load: true,
  sentence: 'No call made before the client could know of the stop is lost.',
  source: 'gRPC guide on graceful shutdown; RFC 9113 section 6.8',
  needs: ['port:grpc', 'grpcUnary'],
  async run(ctx: Context) {
    await ctx.start();
    const count = Math.max(2, Math.round(ctx.clients / 8));
    const clients = await Promise.all(Array.from({ length: count }, () => connectGrpc(ctx)));
    const loops = clients.flatMap((client) =>
      Array.from({ length: 8 }, async () => {
        while (client.open) {
          await call(client, ctx.config.grpcUnary ?? '', { 'drill-ms': '2' }).exchange.done;
        }
      }),
    );
    await sleep(150 + ctx.random() * 20);
    ctx.target.signal();
    await within(Promise.all(loops), ctx.patienceMs);
    ctx.noLoss();
    await ctx.exit();
  },
});
