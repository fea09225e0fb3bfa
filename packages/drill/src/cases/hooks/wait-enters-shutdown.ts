import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { notReadyDuring } from '../support.ts';
import { hookWaits } from '../waiting.ts';

export default defineCase({
  slug: 'hooks/wait-enters-shutdown',
  level: 'MUST',
  sentence: 'While the hook waits, readiness is false.',
  source: 'Drain runbook: preStop hook -> readiness false -> proxy stops routing',
  needs: ['wait', 'slow', 'ready'],
  async run(ctx: Context) {
    const { slow } = await hookWaits(ctx, 'POST');
    await notReadyDuring(ctx, slow);
  },
});
