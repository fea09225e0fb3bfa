import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { keptOut, throughProxy } from '../intruding.ts';

export default defineCase({
  slug: 'admin/wrong-token',
  level: 'MUST',
  sentence: 'A wrong, empty or shortened token makes nobody an operator.',
  source: 'RFC 6750 section 3.1: invalid_token',
  needs: ['drain', 'ready', 'token'],
  async run(ctx: Context) {
    await ctx.start();
    const token = ctx.config.token ?? '';
    const wrong = [
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      'Bearer ',
      token,
      'Bearer x',
    ];
    for (const authorization of wrong) {
      const route = ctx.route('drain', {}, 'POST');
      await keptOut(ctx, { ...route, headers: { ...throughProxy, authorization } });
    }
  },
});
