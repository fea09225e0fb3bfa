import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep, until } from '../../engine/clock.ts';
import { call, collect, connectGrpc, healthStatuses, healthWatch } from '../../engine/grpc.ts';

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
    call(worker, ctx.config.grpcUnary ?? '', { 'drill-ms': String(ctx.workMs) });
    const first = await until(() => healthStatuses(body())[0], 2000);
    ctx.check(first === 1, 'SERVING (1) at first', `status ${first ?? 'missing'}`);
    await sleep(50);
    ctx.target.signal();
    const told = await until(
      () => (healthStatuses(body()).includes(2) ? true : undefined),
      ctx.workMs + 500,
    );
    ctx.check(
      told === true,
      'a message NOT_SERVING (2)',
      `statuses ${healthStatuses(body()).join(', ')}`,
    );
  },
});
