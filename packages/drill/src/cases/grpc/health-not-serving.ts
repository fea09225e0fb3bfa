import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { healthCheck, healthStatuses } from '../../engine/grpc.ts';
import { lateCall } from '../late-call.ts';

export default defineCase({
  slug: 'grpc/health-not-serving',
  level: 'MUST',
  sentence: 'While draining, the health service answers NOT_SERVING.',
  source: 'gRPC health checking protocol; Kubernetes gRPC probes',
  needs: ['port:grpc', 'grpcUnary', 'grpcHealth'],
  async run(ctx: Context) {
    const late = await lateCall(ctx, healthCheck);
    if (typeof late === 'string') return; // a failed probe says it too
    const [status] = healthStatuses(late.body());
    const refused = late.exchange.outcome === 'refused';
    ctx.check(refused || status === 2, 'NOT_SERVING (2)', `status ${status ?? 'missing'}`);
  },
});
