import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { Crowd, stopOf } from './crowd.ts';
import { browse, text } from './support.ts';

let browser: Browser | undefined;
before(async () => {
  browser = await browse();
});
after(() => browser?.close());

/** A feed whose events are given by the test, so that they can be of another time. */
const FEED = `
globalThis.EventSource = class extends EventTarget {
  static CLOSED = 2;
  readyState = 1;
  constructor() {
    super();
    globalThis.tell = (name, data) =>
      this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
  close() {}
};`;

const HELLO = { operator: true, resumed: false, points: [], stops: [], everyMs: 500 };

async function tell(page: Page, name: string, data: object): Promise<void> {
  await page.evaluate(`tell(${JSON.stringify(name)}, ${JSON.stringify(data)})`);
}

const pointsOf = (page: Page, name: string): Promise<number[]> =>
  page.evaluate<number[]>(
    `document.querySelector('#curve .${name}').getAttribute('points').split(' ').map(parseFloat)`,
  );

test('a stop that cannot be drawn keeps nothing else from being drawn', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  crowd.kept = [{ ...stopOf(1), startedAt: 'at noon' }];
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.goto(served.url);
  await text(page, '#state', /^ready$/);
  crowd.state = 'draining';
  await text(page, '#state', /^draining$/);
  await page.locator('.worker').nth(49).waitFor();
  await page.locator('#work tr').nth(99).waitFor();
  await page.close();
});

test('the tab says how the node is while nobody looks at it', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  await using served = await crowd.serve();
  const page = await browser.newPage();
  // As in a tab in the background: no frame is shown.
  await page.addInitScript('globalThis.requestAnimationFrame = () => 0;');
  await page.goto(served.url);
  const titled = async (wanted: RegExp): Promise<void> => {
    const limitMs = performance.now() + 20_000;
    let title = '';
    while (!wanted.test((title = await page.title()))) {
      assert.ok(performance.now() < limitMs, title);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await titled(/^ready · \d+ in flight · Lastcall$/);
  crowd.state = 'draining';
  await titled(/^draining · \d+ in flight · Lastcall$/);
  await page.close();
});

test('what was expected when the drain began is shown only of a drain that was seen to begin', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  crowd.state = 'draining';
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.goto(served.url);
  await page.locator('#curve .band').waitFor();
  assert.equal(await page.locator('#curve .expected').count(), 0);
  assert.doesNotMatch((await page.locator('#curve').textContent()) ?? '', /when the drain began/);
  await page.close();
});

test('a drain of many minutes is held against its beginning', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.addInitScript(FEED);
  await page.goto(served.url);
  const nowMs = 1_790_000_000_000;
  const points = Array.from({ length: 600 }, (_, i) => ({
    id: i,
    atMs: nowMs - (600 - i) * 500,
    inFlight: 1_000 - i,
    state: i < 100 ? 'ready' : 'draining',
    p50Ms: 300_000,
    p99Ms: 400_000,
  }));
  await tell(page, 'hello', { ...HELLO, points });
  crowd.state = 'draining';
  const point = { ...points.at(-1), id: 600, atMs: nowMs };
  await tell(page, 'tick', { ...(await crowd.snapshot()), point });
  await page.locator('#curve .expected').waitFor({ state: 'attached' });
  const [seen] = await pointsOf(page, 'line');
  const [began] = await pointsOf(page, 'expected');
  // It began four minutes ago, and two are shown.
  assert.ok(began! < seen! - 100, `${began}, where the curve begins at ${seen}`);
  await page.close();
});

test('a supervisor whose clock is behind that of the one before goes on with the curve', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.addInitScript(FEED);
  await page.goto(served.url);
  const nowMs = 1_790_000_000_000;
  const same = { inFlight: 10, state: 'ready', p50Ms: null, p99Ms: null };
  const at = (id: number, atMs: number): object => ({ id, atMs, ...same });
  const points = Array.from({ length: 100 }, (_, i) => at(i, nowMs + i * 500));
  await tell(page, 'hello', { ...HELLO, points });
  await tell(page, 'hello', HELLO);
  for (const id of [1, 2, 3]) {
    const point = at(id, nowMs + 10_000 + id * 500);
    await tell(page, 'tick', { ...(await crowd.snapshot()), point });
  }
  await page.locator('#curve .line').waitFor({ state: 'attached' });
  const line = await pointsOf(page, 'line');
  assert.ok(
    line.every((x, i) => x <= 1_000 && (i === 0 || x >= line[i - 1]!)),
    line.join(' '),
  );
  await page.close();
});

test('of workers that tell nothing of their work nothing is said', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  const snapshot = crowd.snapshot.bind(crowd);
  crowd.snapshot = async () => {
    const { workers, ...rest } = await snapshot();
    const silent = workers.map((worker) => Object.assign(worker, { in_flight: null }));
    const estimate = { p50Ms: 0, p90Ms: 0, p99Ms: 0 };
    return { ...rest, workers: silent, inFlight: 0, inFlightByKind: {}, estimate, work: [] };
  };
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.goto(served.url);
  await text(page, '#state', /^ready$/);
  await text(page, '#inFlight', /^\?$/);
  await text(page, '#finish', /^\?$/);
  assert.doesNotMatch((await page.locator('.worker').first().textContent()) ?? '', /in flight/);
  await page.close();
});

test('an action goes out although the browser has a page of the node on every connection', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  await using served = await crowd.serve();
  const context = await browser.newContext();
  let page: Page | undefined;
  for (let i = 0; i < 6; i += 1) {
    page = await context.newPage();
    await page.goto(served.url);
    await text(page, '#state', /^ready$/);
  }
  await page!.getByRole('button', { name: 'Drain', exact: true }).click();
  await page!.getByRole('button', { name: 'Yes' }).click();
  await text(page!, '#said', /^Done\.$/);
  assert.deepEqual(crowd.acts, ['drain']);
  crowd.state = 'draining';
  await text(page!, '#state', /^draining$/);
  await context.close();
});
