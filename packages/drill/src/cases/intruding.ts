import type { PortName } from '../config/needs.ts';
import type { Exchange } from '../engine/account.ts';
import { sleep, until } from '../engine/clock.ts';
import type { Context } from '../engine/context.ts';
import { isReady, isSuccess } from './support.ts';

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
    const answer = await attempted(ctx, attempt, port);
    ctx.check(!isSuccess(answer), `${named(attempt, port)} to be refused`, String(answer));
    await stillReady(ctx, named(attempt, port));
  }
}

/**
 * The attempt drains nothing, whatever it is answered: the path may be one of the application's own,
 * and an application may well answer every path with success.
 */
export async function drainsNothing(ctx: Context, attempt: Attempt): Promise<void> {
  for (const port of ctx.operatorPorts) {
    await attempted(ctx, attempt, port);
    await stillReady(ctx, named(attempt, port));
  }
}

/** The answer, if one came: to cut the connection is a refusal as well, but not to take none at all. */
async function attempted(ctx: Context, attempt: Attempt, port: PortName): Promise<Exchange> {
  try {
    return await ctx.ask(attempt, { port, ms: 2000 });
  } catch (error) {
    return ctx.notApplicable(`the ${port} listener: ${(error as Error).message}`);
  }
}

const named = ({ method, path }: Attempt, port: PortName): string =>
  `${method} ${path}${port === 'http' ? '' : ` on the ${port} listener`}`;

export async function stillReady(ctx: Context, after: string): Promise<void> {
  await sleep(30); // a drain may begin a moment after its answer
  // A drain is never over by itself; a probe may be late on a busy machine.
  const ready = await until(async () => ((await isReady(ctx)) ? true : undefined), 2000, 100);
  ctx.check(ready === true, `the server to be ready after ${after}`, 'it drains');
}
