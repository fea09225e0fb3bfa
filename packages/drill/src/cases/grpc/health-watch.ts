import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { until } from '../../engine/clock.ts';
import { call, collect, connectGrpc, healthStatuses, healthWatch } from '../../engine/grpc.ts';
import { arrived } from '../streams.ts';
import { acrossMs, underWay } from '../support.ts';

export default defineCase({
  slug: 'grpc/health-watch',
  level: 'SHOULD',
  sentence: 'A client that watches the health service is told NOT_SERVING without asking again.',
  source: 'gRPC health checking protocol: Watch sends a message at each change',
  needs: ['port:grpc', 'grpcUnary', 'grpcHealth'],
  async run(ctx: Context) {
    await ctx.start();
    const watcher = await connectGrpc(ctx);
    const { exchange } = call(watcher, healthWatch);
    const body = collect(exchange);
    const worker = await connectGrpc(ctx);
    const { exchange: slow } = call(worker, ctx.config.grpcUnary ?? '', {
      'drill-ms': String(acrossMs(ctx)),
    });
    const first = await until(() => healthStatuses(body())[0], 2000);
    // A server may leave Watch out; its clients are told so, and go without.
    if (first !== 1) ctx.notApplicable(`already before the stop: Watch says ${first ?? 'nothing'}`);
    await arrived(worker);
    underWay(ctx, slow);
    ctx.target.signal();
    const told = await until(
      () => (healthStatuses(body()).includes(2) ? true : undefined),
      acrossMs(ctx) + 500,
    );
    ctx.check(
      told === true,
      'a message NOT_SERVING (2)',
      `statuses ${healthStatuses(body()).join(', ')}`,
    );
  },
});
