import { defineCase } from '../../case.ts';
import { sleep } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { call, connectGrpc, statusText } from '../../engine/grpc.ts';
import { grpcStatus } from '../../engine/h2.ts';
import { loadOver } from '../support.ts';

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
    const before = call(await connectGrpc(ctx), ctx.config.grpcUnary ?? '');
    const usual = await before.exchange.done;
    if (grpcStatus(usual) !== 0) ctx.notApplicable(`already before the stop: ${statusText(usual)}`);
    const state = { running: true };
    const loops = clients.flatMap((client) =>
      Array.from({ length: 8 }, async () => {
        while (state.running && client.open) {
          const ms = String(Math.round(ctx.random() * 20));
          await call(client, ctx.config.grpcUnary ?? '', { 'drill-ms': ms }).exchange.done;
        }
      }),
    );
    await sleep(150 + ctx.random() * 20);
    ctx.target.signal();
    await loadOver(ctx, { done: Promise.all(loops), stop: () => (state.running = false) });
    ctx.noLoss();
    const answers = ctx.account.exchanges.filter((one) => one.outcome === 'answered');
    const failed = answers.filter((one) => grpcStatus(one) !== 0);
    const [first] = failed;
    ctx.check(
      first === undefined,
      'every call to end with OK or UNAVAILABLE',
      `${failed.length} that did not: ${first && statusText(first)}`,
    );
    await ctx.exit();
  },
});
