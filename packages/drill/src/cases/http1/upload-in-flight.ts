import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { sleep } from '../../engine/clock.ts';
import { acrossMs, settle, underWay } from '../support.ts';

const body = Buffer.alloc(200_003, 'u');

export default defineCase({
  slug: 'http1/upload-in-flight',
  level: 'MUST',
  sentence: 'An upload that began before the signal is taken whole and answered with success.',
  source: 'Drain runbook: uploads in progress finish whole',
  needs: ['upload'],
  async run(ctx: Context) {
    await ctx.start();
    const route = ctx.route('upload', {}, 'POST');
    const connection = await ctx.connect({ label: 'upload' });
    const bytes = connection.bytes({ ...route, body });
    const exchange = connection.owe(route.method, route.path);
    connection.write(bytes.subarray(0, 100_000));
    await settle(ctx);
    if (exchange.status > 0) ctx.notApplicable('the server answers before it has the whole upload');
    underWay(ctx, exchange);
    ctx.target.signal();
    await sleep(acrossMs(ctx, ctx.workMs / 2));
    ctx.check(exchange.status === 0, 'no answer before the upload is whole', String(exchange));
    connection.write(bytes.subarray(100_000));
    await ctx.succeeded(exchange);
    await ctx.exit();
  },
});
