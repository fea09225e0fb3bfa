import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import { late, sleep, within } from '../../engine/clock.ts';
import { stillReady } from '../intruding.ts';

/** A proxy that trusts Content-Length forwards the rest as a body; a server that trusts the coding sees a second request. */
function smuggled(path: string, method: string, coding: string): string {
  const inner = `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
  const body = `0\r\n\r\n${inner}`;
  return (
    `POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\n` +
    `Content-Length: ${body.length}\r\n${coding}\r\n\r\n${body}`
  );
}

const codings = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding:\tchunked',
  'X-Nothing: x\r\n Transfer-Encoding: chunked',
];

export default defineCase({
  slug: 'admin/smuggling',
  level: 'MUST',
  sentence: 'A drain call hidden in the body of another request is not carried out.',
  source: 'RFC 9112 section 6.3 and 11.2: Content-Length with Transfer-Encoding is an attack',
  needs: ['drain', 'ready'],
  async run(ctx: Context) {
    await ctx.start();
    const { method, path } = ctx.route('drain', {}, 'POST');
    const attempts = ctx.operatorPorts.flatMap((port) =>
      codings.map((coding) => ({ port, coding })),
    );
    for (const { port, coding } of attempts) {
      const connection = await ctx.connect({ port, label: 'smuggling' });
      const outer = connection.owe('POST', '/');
      connection.write(smuggled(path, method, coding));
      if ((await within(outer.done, 500)) !== late) await sleep(50);
      connection.destroy();
      const what = coding.replaceAll('\r\n', '\\r\\n');
      await stillReady(ctx, `smuggling with "${what}" on the ${port} listener`);
    }
  },
});
