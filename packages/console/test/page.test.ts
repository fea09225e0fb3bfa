import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { NodeUnderTest } from '../../supervisor/test/support/node.ts';
import { browse, call, count, text } from './support.ts';
import { freePort } from '../../../scripts/ports.ts';

const IMAGES = fileURLToPath(new URL('../../../docs/images/', import.meta.url));
const shots = process.env.LASTCALL_SCREENSHOTS === '1';

let browser: Browser | undefined;
before(async () => {
  browser = await browse();
});
after(() => browser?.close());

/** A node with an admin listener; resolves with its address. */
async function withAdmin(args: string[] = []): Promise<{ node: NodeUnderTest; admin: string }> {
  const node = await NodeUnderTest.start({ args: ['--admin', '127.0.0.1:0', ...args] });
  await node.line(/admin listener on /);
  return { node, admin: `http://${/admin listener on (\S+)/.exec(node.output)?.[1]}` };
}

async function shoot(page: Page, name: string): Promise<void> {
  if (!shots) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: `${IMAGES}console-${name}.png`, fullPage: true });
}

async function press(page: Page, action: string): Promise<void> {
  await page.getByRole('button', { name: action, exact: true }).click();
  await page.getByRole('button', { name: 'Yes' }).click();
}

test('a drain is watched from ready to drained and back, and a stop to its end', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const { node, admin } = await withAdmin();
  await using _node = node;
  const page = await browser.newPage({ viewport: { width: 1_000, height: 900 } });
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${admin}/console`);
  await text(page, '#state', /^ready$/);
  await count(page, '.worker[data-phase=serving]', 2);
  const measured = Array.from({ length: 80 }, (_, i) => node.get(`/slow?ms=${i * 100}`));
  assert.ok((await Promise.all(measured)).every(({ status }) => status === 200));
  const slow = Array.from({ length: 30 }, (_, i) => node.get(`/slow?ms=${6_000 + i * 100}`));
  await text(page, '#inFlight', /^30$/);
  await text(page, '#work tr:first-child', /request.*w\d.* s/);
  await shoot(page, 'ready');
  await page.getByRole('button', { name: 'Drain', exact: true }).click();
  await page.getByRole('button', { name: 'No', exact: true }).click();
  assert.equal((await node.status()).state, 'ready', 'a button asks first');
  await press(page, 'Drain');
  await text(page, '#state', /^draining$/);
  await text(page, '#said', /Draining, \d+ in flight/);
  if (shots) await text(page, '#inFlight', /^1\d$/);
  await shoot(page, 'draining');
  assert.equal((await node.get('/slow?ms=1')).status, 503);
  await text(page, '#refused', /^1$/);
  await text(page, '#finish', /^[\d.]+ s$/);
  assert.ok((await Promise.all(slow)).every(({ status }) => status === 200));
  await text(page, '#inFlight', /^0$/);
  assert.equal(await page.locator('#lost').textContent(), '0');
  await press(page, 'Resume');
  await text(page, '#state', /^ready$/);
  await text(page, '#stops', /console · undone/);
  await press(page, 'Reload');
  await text(page, '#said', /All workers are replaced/);
  await text(page, '.lane h3', /generation 2/);
  await text(page, '#stops', /exit 0/);
  await shoot(page, 'stops');
  assert.deepEqual(errors, []);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 800 });
  const wide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
  assert.equal(wide, false, 'nothing is wider than a phone');
  await shoot(page, 'phone');
  node.signal('SIGTERM');
  await text(page, '#link', /feed is cut/);
  assert.equal(await node.exited, 0);
  await page.close();
});

test('a feed that was cut goes on without a gap', async () => {
  const { node, admin } = await withAdmin();
  await using _node = node;
  const first = await readFeed(`${admin}/console/feed`, 3);
  const { id } = first.at(-1)!;
  let points: { id: number }[] = [];
  for (const limitMs = performance.now() + 60_000; points.length === 0;) {
    assert.ok(performance.now() < limitMs, 'nobody looks at the node any more');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const [hello] = await readFeed(`${admin}/console/feed`, 1, { 'last-event-id': id });
    const again = hello!.data as { resumed: boolean; points: { id: number }[] };
    assert.equal(again.resumed, true);
    ({ points } = again);
  }
  const seen = Number(id.split('-')[1]);
  assert.deepEqual(
    points.map((point) => point.id),
    points.map((_, i) => seen + 1 + i),
  );
  const [stranger] = await readFeed(`${admin}/console/feed`, 1, { 'last-event-id': '1.2-3' });
  assert.equal((stranger!.data as { resumed: boolean }).resumed, false);
});

test('a page left open over an upgrade of the supervisor goes on with the new one', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const port = await freePort();
  const node = await NodeUnderTest.start({ args: ['--admin', `127.0.0.1:${port}`] });
  await using _node = node;
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/console`);
  await text(page, '#state', /^ready$/);
  for (let i = 0; i < 5; i += 1) await node.get('/');
  await text(page, '#outcomes', /completed 5/);
  const drawn = (): Promise<number> =>
    page.evaluate<number>(
      "document.querySelector('#curve .line').getAttribute('points').split(' ').length",
    );
  const before = await drawn();
  await node.ask('upgrade');
  await node.exited;
  await text(page, '.lane h3', /generation 2/);
  await text(page, '#outcomes', /completed 5/);
  await text(page, '#stops', /w1 · upgraded · exit 0/);
  await text(page, '#stops', /w2 · upgraded · exit 0/);
  assert.ok((await drawn()) > before, 'the curve goes on');
  await text(page, '#state', /^ready$/);
  await page.locator('#link').waitFor({ state: 'hidden' });
  await page.close();
});

interface FeedEvent {
  name: string;
  id: string;
  data: unknown;
}

/** The first `count` events of a feed. */
async function readFeed(
  url: string,
  count: number,
  headers: Record<string, string> = {},
): Promise<FeedEvent[]> {
  const stop = new AbortController();
  const response = await fetch(url, { headers, signal: stop.signal });
  const events: FeedEvent[] = [];
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const match = /^event: (.*)\nid: (.*)\ndata: (.*)$/.exec(block);
      const [, name = '', id = '', data = 'null'] = match ?? [];
      if (match) events.push({ name, id, data: JSON.parse(data) });
    }
    if (events.length >= count) break;
  }
  stop.abort();
  return events;
}

test('who is no operator sees, and cannot act; no action by GET; nothing from another site', async () => {
  const { node, admin } = await withAdmin(['--operator-token', 'a-token-of-this-test']);
  await using _node = node;
  const act = `${admin}/console/act`;
  const own = { 'content-type': 'application/json', 'x-lastcall-console': '1' };
  const body = '{"action":"drain"}';
  const status = async (headers: Record<string, string>, method = 'POST'): Promise<number> =>
    (await call(act, { method, headers, body })).status;
  assert.equal(await status(own, 'GET'), 405);
  assert.equal(await status({ 'content-type': 'text/plain' }), 403);
  assert.equal(await status({ ...own, origin: 'http://elsewhere.example' }), 403);
  assert.equal(await status({ ...own, 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await status({ ...own, host: 'rebound.example' }), 403);
  const proxied = { ...own, 'x-forwarded-for': '10.0.0.1' };
  assert.equal(await status(proxied), 403);
  const [hello] = await readFeed(`${admin}/console/feed`, 1, { 'x-forwarded-for': '10.0.0.1' });
  assert.equal((hello!.data as { operator: boolean }).operator, false, 'a viewer still sees');
  assert.equal((await node.status()).state, 'ready', 'nothing has changed');
  const scale = { ...proxied, authorization: 'Bearer a-token-of-this-test' };
  const reply = await call(act, {
    method: 'POST',
    headers: scale,
    body: '{"action":"scale","workers":0}',
  });
  assert.deepEqual([reply.status, /from 1 to 1024/.test(reply.body)], [409, true]);
  assert.equal(
    (await call(act, { method: 'POST', headers: own, body: '{"action":"rm"}' })).status,
    400,
  );
  assert.equal((await call(act, { method: 'POST', headers: own, body: '{' })).status, 409);
});

test('the page allows nothing from outside', async () => {
  const { node, admin } = await withAdmin();
  await using _node = node;
  for (const path of [
    '/',
    '/console',
    '/console/page.js',
    '/console/page.css',
    '/console/curve.js',
    '/console/keep.js',
    '/console/lanes.js',
    '/console/stops.js',
    '/console/text.js',
    '/console/work.js',
  ]) {
    const { status, headers, body } = await call(admin + path);
    assert.equal(status, 200, path);
    assert.match(
      String(headers['content-security-policy']),
      /default-src 'none'; script-src 'self'/,
    );
    assert.doesNotMatch(body, /https?:\/\//, path);
  }
  assert.equal((await call(`${admin}/console/../package.json`)).status, 404);
  assert.equal((await call(`${admin}/health`)).status, 200, 'the endpoints are as they were');
});

test('a hundred viewers at once are all served', async () => {
  const { node, admin } = await withAdmin();
  await using _node = node;
  const all = await Promise.all(
    Array.from({ length: 100 }, () => readFeed(`${admin}/console/feed`, 3)),
  );
  assert.ok(all.every((events) => events[0]?.name === 'hello' && events.length >= 3));
});
