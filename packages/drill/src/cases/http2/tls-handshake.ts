import tls from 'node:tls';
import { defineCase } from '../../case.ts';
import { late, sleep, within } from '../../engine/clock.ts';
import type { Context } from '../../engine/context.ts';
import { type Frame, FrameClient, getHeaders, isAnswer, types } from '../../engine/frames.ts';
import { slowStream } from '../streams.ts';

export default defineCase({
  slug: 'http2/tls-handshake',
  level: 'MUST',
  sentence:
    'A TLS handshake that had begun at the signal is completed, and its first stream answered.',
  source: 'RFC 8446 section 2: the client’s first bytes are on the wire; RFC 9113 section 6.8',
  needs: ['port:h2s', 'slow', 'fast'],
  async run(ctx: Context) {
    await ctx.start();
    // Work in flight keeps the server there until the handshake is over.
    await slowStream(ctx, { secure: true });
    const connection = await ctx.connect({ port: 'h2s', label: 'handshake' });
    await sleep(30);
    ctx.target.signal();
    const socket = tls.connect({
      socket: connection.socket,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
    });
    const client = new FrameClient(socket);
    const shaken = await within(
      new Promise<boolean>((resolve) => {
        socket.once('secureConnect', () => {
          resolve(true);
        });
        socket.once('close', () => {
          resolve(false);
        });
      }),
      ctx.patienceMs,
    );
    ctx.check(shaken === true, 'the handshake to be completed', 'the connection was cut');
    client.open();
    client.send(types.headers, 5, 1, getHeaders(ctx.route('fast').path));
    const answered = new Promise<boolean>((resolve) => {
      client.onFrame = (frame: Frame) => {
        const disowned =
          frame.type === types.goaway && (client.goaways.at(-1)?.lastStreamId ?? 1) < 1;
        if ((frame.stream === 1 && isAnswer(frame)) || disowned) resolve(true);
      };
      void client.closed.then(() => {
        resolve(false);
      });
    });
    const end = await within(answered, ctx.patienceMs);
    ctx.check(
      end === true,
      'stream 1 answered, refused or disowned',
      end === late ? 'silence' : 'cut',
    );
    await ctx.exit();
  },
});
