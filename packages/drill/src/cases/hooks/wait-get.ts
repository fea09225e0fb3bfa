import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { hookWaits } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/wait-get',
  level: 'MUST',
  sentence:
    'A preStop hook sent by a kubelet, which is a GET, enters shutdown and is answered when the work is done.',
  source: 'Kubernetes, container lifecycle hooks: httpGet',
  needs: ['wait', 'slow'],
  async run(ctx: Context) {
    const { slow, hook } = await hookWaits(ctx, 'GET');
    await ctx.succeeded(slow);
    await ctx.succeeded(hook);
  },
});
