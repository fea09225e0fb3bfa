import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { throughProxy } from '../intruding.ts';

export default defineCase({
  slug: 'admin/right-token',
  level: 'MUST',
  sentence: 'An operator with the right token is let in, through a proxy too.',
  source: 'Contract of the endpoints: or a bearer token',
  needs: ['drain', 'token'],
  async run(ctx: Context) {
    await ctx.start();
    const headers = { ...throughProxy, ...ctx.operator };
    const answer = await ctx.ask({ ...ctx.route('drain', {}, 'POST'), headers });
    ctx.check(answer.status === 202 || answer.status === 200, '202', String(answer));
  },
});
