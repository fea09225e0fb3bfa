import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { statusText } from '../../engine/grpc.ts';
import { grpcStatus } from '../../engine/h2.ts';
import { lateCall } from '../late-call.ts';

export default defineCase({
  slug: 'grpc/new-call-unavailable',
  level: 'MUST',
  sentence:
    'A new call during the drain is served, or fails with UNAVAILABLE, which may be retried.',
  source: 'gRPC status codes: UNAVAILABLE is the transient one',
  needs: ['port:grpc', 'grpcUnary'],
  async run(ctx: Context) {
    const late = await lateCall(ctx, ctx.config.grpcUnary ?? '');
    ctx.check(late !== 'silence', 'a connection that is served or refused', 'silence');
    if (late === 'turned away') return;
    const status = grpcStatus(late.exchange);
    ctx.check(status === 14 || status === 0, 'grpc-status 14 or 0', statusText(late.exchange));
  },
});
