import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { within } from '../../engine/clock.ts';
import { call, connectGrpc, statusText } from '../../engine/grpc.ts';
import { grpcStatus } from '../../engine/h2.ts';
import { arrived } from '../streams.ts';
import { acrossMs, underWay } from '../support.ts';

export default defineCase({
  slug: 'grpc/unary-in-flight',
  level: 'MUST',
  sentence: 'A unary call being worked on when the signal comes ends with status OK.',
  source: 'gRPC guide on graceful shutdown: in-flight calls complete',
  needs: ['port:grpc', 'grpcUnary'],
  async run(ctx: Context) {
    await ctx.start();
    const client = await connectGrpc(ctx);
    const { exchange } = call(client, ctx.config.grpcUnary ?? '', {
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
