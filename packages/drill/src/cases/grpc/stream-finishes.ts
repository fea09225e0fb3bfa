import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { within } from '../../engine/clock.ts';
import { call, connectGrpc, statusText } from '../../engine/grpc.ts';
import { grpcStatus } from '../../engine/h2.ts';
import { arrived } from '../streams.ts';
import { acrossMs, underWay } from '../support.ts';

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
      'drill-ms': String(acrossMs(ctx)),
    });
    await arrived(client);
    underWay(ctx, exchange);
    ctx.target.signal();
    await within(exchange.done, ctx.patienceMs);
    ctx.check(grpcStatus(exchange) === 0, 'grpc-status 0', statusText(exchange));
    await ctx.exit();
  },
});
