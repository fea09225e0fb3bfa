import type { Exchange } from '../engine/account.ts';
import { until } from '../engine/clock.ts';
import type { Context } from '../engine/context.ts';
import { json } from './support.ts';

export function submit(ctx: Context, id: string, ms = 80): Promise<Exchange> {
  return ctx.ask(ctx.route('submit', { id, ms }, 'POST'));
}

/** Submits `count` jobs, all of which the server must accept. */
export async function submitAll(ctx: Context, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const answer = await submit(ctx, `job-${index}`);
    ctx.check(
      answer.status >= 200 && answer.status < 300,
      'the job to be accepted',
      String(answer),
    );
  }
}

/** Starts the server anew on the same data and waits until no job is pending; gives the number done. */
export async function doneAfterRestart(ctx: Context): Promise<number> {
  await ctx.start();
  let last = '';
  const done = await until(async () => {
    const answer = await ctx.ask(ctx.route('jobs'));
    last = answer.text;
    const { done: count, pending } = json(answer);
    return pending === 0 && typeof count === 'number' ? count : undefined;
  }, 10_000);
  ctx.check(done !== undefined, 'no job pending within 10 s of the restart', last);
  return done;
}
