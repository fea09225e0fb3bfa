import type { Exchange } from '../engine/account.ts';
import { until } from '../engine/clock.ts';
import type { Context } from '../engine/context.ts';
import { isSuccess, json } from './support.ts';

export function submit(ctx: Context, id: string, ms = 80): Promise<Exchange> {
  return ctx.ask(ctx.route('submit', { id, ms }, 'POST'));
}

/** Submits `count` jobs, all of which the server must accept. */
export async function submitAll(ctx: Context, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await submitOne(ctx, `job-${index}`);
}

/** As `submitAll`, and some of them are not done yet when the signal comes. */
export async function submitAtRisk(ctx: Context, count: number): Promise<void> {
  const ms = Math.max(80, Math.round(ctx.workMs / 3));
  for (let index = 0; index < count; index += 1) await submitOne(ctx, `job-${index}`, ms);
  const { pending } = json(await ctx.ask(ctx.route('jobs')));
  if (pending === 0) ctx.notApplicable('every job was done before the signal');
}

/** Submits one job, which the server must accept. */
export async function submitOne(ctx: Context, id: string, ms?: number): Promise<void> {
  const answer = await submit(ctx, id, ms);
  ctx.check(isSuccess(answer), 'the job to be accepted', String(answer));
}

/**
 * Starts the server anew on the same data and waits until no job is pending, for 10 s beside the
 * `workMs` that the jobs take; gives the number done.
 */
export async function doneAfterRestart(ctx: Context, workMs = 0): Promise<number> {
  await ctx.start();
  let last = '';
  const done = await until(async () => {
    const answer = await ctx.ask(ctx.route('jobs'));
    last = answer.text;
    const { done: count, pending } = json(answer);
    return pending === 0 && typeof count === 'number' ? count : undefined;
  }, workMs + 10_000);
  const limit = `${Math.round(workMs / 1000 + 10)} s`;
  ctx.check(done !== undefined, `no job pending within ${limit} of the restart`, last);
  return done;
}
