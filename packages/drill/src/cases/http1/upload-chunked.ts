import { defineCase } from '../../case.ts';
import type { Context } from '../../engine/context.ts';
import type { Exchange } from '../../engine/account.ts';
import { sleep } from '../../engine/clock.ts';
import type { Connection } from '../../engine/connection.ts';
import { acrossMs, settle } from '../support.ts';

const part = 'u'.repeat(5000);
const chunk = `${part.length.toString(16)}\r\n${part}\r\n`;

function begin(connection: Connection, route: { method: string; path: string }): Exchange {
  const exchange = connection.owe(route.method, route.path);
  const headers = { 'transfer-encoding': 'chunked', trailer: 'x-checksum' };
  connection.write(connection.bytes({ ...route, headers }));
  connection.write(chunk);
  return exchange;
}

const finish = (connection: Connection): void => {
  connection.write(`${chunk}0\r\nx-checksum: 1\r\n\r\n`);
};

export default defineCase({
  slug: 'http1/upload-chunked',
  level: 'MUST',
  sentence: 'A chunked upload with trailers is understood across the signal as it is before it.',
  source: 'RFC 9112 section 7.1 (chunked coding and trailer section)',
  needs: ['upload'],
  async run(ctx: Context) {
    await ctx.start();
    const route = ctx.route('upload', {}, 'POST');
    const usual: string[] = [];
    for (const label of ['upload before', 'another before']) {
      const before = await ctx.connect({ label });
      const exchange = begin(before, route);
      finish(before);
      usual.push((await ctx.usually(ctx.succeeded(exchange))).text);
    }
    const connection = await ctx.connect({ label: 'upload across' });
    const exchange = begin(connection, route);
    await settle(ctx);
    if (exchange.status > 0) ctx.notApplicable('the server answers before it has the whole upload');
    ctx.target.signal();
    await sleep(acrossMs(ctx, ctx.workMs / 2));
    ctx.check(exchange.status === 0, 'no answer before the upload is whole', String(exchange));
    finish(connection);
    await ctx.succeeded(exchange);
    const [text = '', again] = usual;
    // An answer with a number or a time of its own is never the same.
    ctx.check(
      text !== again || exchange.text === text,
      `the same answer as before the signal: ${text.slice(0, 80)}`,
      exchange.text.slice(0, 80),
    );
    await ctx.exit();
  },
});
