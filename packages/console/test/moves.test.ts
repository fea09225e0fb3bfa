import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NodeUnderTest } from '../../supervisor/test/support/node.ts';
import { StreamClient } from '../../supervisor/test/support/stream-client.ts';
import { browse, text } from './support.ts';

const MOVING = new URL('../../supervisor/test/fixtures/moving-app.ts', import.meta.url).pathname;
const config = (thaw: string): string => `env:\n  APP_THAW: '${thaw}'\n`;

test('a reload shows how many connections moved, are on their way, and stayed, and why', async (t) => {
  const browser = await browse();
  if (!browser) return t.skip('there is no Chromium');
  await using _browser = { [Symbol.asyncDispose]: () => browser.close() };
  await using node = await NodeUnderTest.start({
    target: [MOVING],
    args: ['--admin', '127.0.0.1:0'],
    config: config(''),
  });
  await node.line(/admin listener on /);
  const quick = [1, 2, 3].map(() => new StreamClient(node.port, '/sse'));
  const held = [1, 2].map(() => new StreamClient(node.port, '/chunks'));
  const clients = [...quick, ...held];
  for (const client of clients) await client.event(1);
  const page = await browser.newPage();
  await page.goto(`http://${/admin listener on (\S+)/.exec(node.output)?.[1]}/console`);
  await text(page, '#inFlight', /^5$/);
  await text(page, '#moved', /^0$/);
  // The new version takes up one kind of stream at once, and never says whether it takes up the other.
  writeFileSync(join(node.dir, 'lastcall.yaml'), config('never'));
  await page.getByRole('button', { name: 'Reload', exact: true }).click();
  await page.getByRole('button', { name: 'Yes' }).click();
  await text(page, '#moves', /[12] on their way/);
  await text(page, '#moved', /^3$/);
  await text(page, '#moves', /^2 stayed: no-answer 2$/);
  for (const client of clients) client.socket.destroy();
});
