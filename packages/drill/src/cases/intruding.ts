import type { Context } from '../engine/context.ts';
import { isReady } from './support.ts';

export interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
}

/** Whoever comes through a proxy is a stranger, whatever address the proxy has. */
export const throughProxy = { 'x-forwarded-for': '203.0.113.7' };

/** The attempt does not get in: it is not answered with success, and the server stays ready. */
export async function keptOut(ctx: Context, attempt: Attempt): Promise<void> {
  const answer = await ctx.ask(attempt, { ms: 2000 }).catch(() => undefined);
  const status = answer?.status ?? 0;
  ctx.check(
    status < 200 || status >= 300,
    `${attempt.method} ${attempt.path} to be refused`,
    answer === undefined ? 'no answer' : String(answer),
  );
  await stillReady(ctx, `${attempt.method} ${attempt.path}`);
}

export async function stillReady(ctx: Context, after: string): Promise<void> {
  ctx.check(await isReady(ctx), `the server to be ready after ${after}`, 'it drains');
}
