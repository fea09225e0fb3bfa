import type { PortName } from '../config/needs.ts';
import type { Context } from '../engine/context.ts';
import { isReady } from './support.ts';

export interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
}

/** Whoever comes through a proxy is a stranger, whatever address the proxy has. */
export const throughProxy = { 'x-forwarded-for': '203.0.113.7' };

/** The attempt does not get in on any listener: no success, and the server stays ready. */
export async function keptOut(ctx: Context, attempt: Attempt): Promise<void> {
  for (const port of ctx.operatorPorts) {
    const answer = await ctx.ask(attempt, { port, ms: 2000 }).catch(() => undefined);
    const status = answer?.status ?? 0;
    ctx.check(
      status < 200 || status >= 300,
      `${named(attempt, port)} to be refused`,
      answer === undefined ? 'no answer' : String(answer),
    );
    await stillReady(ctx, named(attempt, port));
  }
}

/**
 * The attempt drains nothing, whatever it is answered: the path may be one of the application's own,
 * and an application may well answer every path with success.
 */
export async function drainsNothing(ctx: Context, attempt: Attempt): Promise<void> {
  for (const port of ctx.operatorPorts) {
    await ctx.ask(attempt, { port, ms: 2000 }).catch(() => undefined);
    await stillReady(ctx, named(attempt, port));
  }
}

const named = ({ method, path }: Attempt, port: PortName): string =>
  `${method} ${path}${port === 'http' ? '' : ` on the ${port} listener`}`;

export async function stillReady(ctx: Context, after: string): Promise<void> {
  ctx.check(await isReady(ctx), `the server to be ready after ${after}`, 'it drains');
}
