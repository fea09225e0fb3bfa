// Streams of HTTP/2 that are known to be with the server when the signal comes.
import { sleep, until, within } from '../engine/clock.ts';
import type { Context } from '../engine/context.ts';
import { FrameClient, getHeaders, isAnswer, types } from '../engine/frames.ts';
import type { H2Client } from '../engine/h2.ts';
import { acrossMs, workOver } from './support.ts';

/** Time for what was sent to reach the handler: frames are read in order, so a PING is answered after them. */
export async function arrived({ session }: H2Client): Promise<void> {
  const answered = new Promise<void>((resolve) => {
    const open = !session.destroyed && !session.closed;
    if (!open || !session.ping(() => resolve())) resolve();
  });
  await within(answered, 2000);
  await sleep(20);
}

/** Stream 1 of a session of its own is being worked on when this returns. */
export async function slowStream(ctx: Context, over?: { secure: true }): Promise<FrameClient> {
  const client = await FrameClient.connect(ctx, over);
  const { path } = ctx.route('slow', { ms: acrossMs(ctx) });
  client.send(types.headers, 5, 1, getHeaders(path));
  client.send(types.ping, 0, 0, Buffer.alloc(8));
  const isPong = ({ type, flags }: { type: number; flags: number }): boolean =>
    type === types.ping && (flags & 1) === 1;
  await until(() => (client.frames.some(isPong) ? true : undefined), 2000, 5);
  await sleep(20);
  if (client.frames.some((one) => one.stream === 1 && isAnswer(one))) ctx.notApplicable(workOver);
  return client;
}
