import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { drainsNothing } from '../intruding.ts';

export default defineCase({
  slug: 'admin/get-does-not-drain',
  level: 'MUST',
  sentence: 'A GET or HEAD of the drain endpoint does not drain, for links and images are GETs.',
  source: 'RFC 9110 section 9.2.1: GET and HEAD are safe methods',
  needs: ['drain', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    const { path } = ctx.route('drain');
    for (const method of ['GET', 'HEAD']) {
      await drainsNothing(ctx, { method, path, headers: ctx.operator });
    }
  },
});
