import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { keptOut } from '../intruding.ts';

const forgeries: readonly Record<string, string>[] = [
  { 'x-forwarded-for': '127.0.0.1' },
  { 'x-forwarded-for': '::1, 127.0.0.1' },
  { forwarded: 'for=127.0.0.1;host=localhost' },
  { forwarded: 'for="[::1]"' },
  { via: '1.1 localhost' },
  { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' },
  { 'x-forwarded-for': '127.0.0.1', host: 'localhost' },
];

export default defineCase({
  slug: 'admin/forged-forwarding',
  level: 'MUST',
  sentence: 'A forged forwarding header makes nobody an operator.',
  source: 'RFC 7239 section 8.1: such headers can be spoofed by any client',
  needs: ['drain', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    for (const headers of forgeries) {
      await keptOut(ctx, { ...ctx.route('drain', {}, 'POST'), headers: { ...headers } });
    }
  },
});
