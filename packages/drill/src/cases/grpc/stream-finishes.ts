import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { call, connectGrpc, statusText } from '../../engine/grpc.ts';
import { grpcStatus } from '../../engine/h2.ts';

export default defineCase({
  slug: 'grpc/stream-finishes',
  level: 'MUST',
  sentence: 'A server stream that runs when the signal comes is carried to its end.',
  source: 'gRPC guide on graceful shutdown: in-flight calls complete',
  needs: ['port:grpc', 'grpcStream'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await connectGrpc(ctx);
    const { exchange } = call(client, ctx.config.grpcStream ?? '', {
      'drill-ms': String(ctx.workMs),
    });
    await sleep(100);
    ctx.target.signal();
    await exchange.done;
    ctx.check(grpcStatus(exchange) === 0, 'grpc-status 0', statusText(exchange));
    await ctx.exit();
  },
});
