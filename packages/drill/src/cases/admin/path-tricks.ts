import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { drainsNothing, throughProxy } from '../intruding.ts';

const disguises = (path: string): string[] => [
  `/${path}`,
  `${path}/`,
  `${path}?x=1`,
  `/.${path}`,
  `/x/..${path}`,
  path.toUpperCase(),
  path.replace('shutdown', '%73hutdown'),
  path.replace('drain', 'dra%69n'),
  path.replaceAll('/', '%2f').replace('%2f', '/'),
  `http://localhost${path}`,
  `${path};x=1`,
];

export default defineCase({
  slug: 'admin/path-tricks',
  level: 'MUST',
  sentence: 'A path written in another way gets no stranger past the check.',
  source: 'RFC 3986 section 6.2: equivalent forms; a proxy rule on the plain path misses them',
  needs: ['drain', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    const { method, path } = ctx.route('drain', {}, 'POST');
    for (const disguise of disguises(path)) {
      await drainsNothing(ctx, { method, path: disguise, headers: { ...throughProxy } });
    }
  },
});
