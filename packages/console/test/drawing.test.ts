import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { Crowd, stopOf } from './crowd.ts';
import { browse, call, count, text } from './support.ts';

let browser: Browser | undefined;
before(async () => {
  browser = await browse();
});
after(() => browser?.close());

/** Resolves when the page has drawn that many looks more. */
async function looks(page: Page, more: number): Promise<void> {
  const seen = async (): Promise<number> =>
    Number(/completed (\d+)/.exec((await page.locator('#outcomes').textContent()) ?? '')?.[1]);
  await text(page, '#outcomes', /completed \d/);
  const wanted = (await seen()) + more;
  while ((await seen()) < wanted) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('50 workers and 10,000 leases: a look makes no element anew, and what is open stays open', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  crowd.state = 'draining';
  crowd.kept = Array.from({ length: 200 }, (_, i) => stopOf(i));
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.goto(served.url);
  await page.locator('#work tr').nth(99).waitFor();
  await page.locator('.worker').nth(49).waitFor();
  await page.locator('#stops summary').first().click();
  await page.evaluate(`
    globalThis.added = 0;
    const count = (list) => {
      for (const { addedNodes } of list)
        for (const { nodeType } of addedNodes) if (nodeType === Node.ELEMENT_NODE) added += 1;
    };
    for (const id of ['lanes', 'work', 'stops'])
      new MutationObserver(count).observe(document.getElementById(id), { childList: true, subtree: true });
  `);
  const age = await page.locator('#work td').nth(2).textContent();
  await looks(page, 3);
  assert.notEqual(await page.locator('#work td').nth(2).textContent(), age, 'figures go on');
  assert.equal(await page.evaluate<number>('added'), 0);
  // The book is full: its number of stops stays the same when a new one comes.
  crowd.kept = [...crowd.kept.slice(1), stopOf(200)];
  await text(page, '#stops li:first-child', /w200 · reload · exit 0/);
  assert.equal(await page.locator('#stops details[open]').count(), 1, 'the one opened stays open');
  assert.match((await page.locator('#stops details[open]').textContent()) ?? '', /w199/);
  await page.close();
});

test('while a node drains its workers say so, and the curve is held against what was expected first', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.goto(served.url);
  await text(page, '#state', /^ready$/);
  await count(page, '.worker[data-phase=serving]', 25);
  assert.equal(await page.locator('#curve .expected').count(), 0);
  crowd.state = 'draining';
  await text(page, '#state', /^draining$/);
  await page.locator('.worker[data-phase=draining]').nth(24).waitFor();
  assert.equal(await page.locator('.worker[data-phase=serving]').count(), 0);
  await looks(page, 3);
  assert.equal(await page.locator('#curve .away').count(), 1, 'one stretch, however long');
  const startOf = (name: string): Promise<number> =>
    page.evaluate<number>(
      `parseFloat(document.querySelector('#curve .${name}').getAttribute('points'))`,
    );
  assert.ok((await startOf('expected')) < (await startOf('band')));
  await page.close();
});

test('a question is answered by keyboard: Enter in the field means yes, and no is always possible', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.goto(served.url);
  await text(page, '#state', /^ready$/);
  await page.getByRole('button', { name: 'Scale', exact: true }).press('Enter');
  await page.keyboard.type('7');
  await page.keyboard.press('Enter');
  await text(page, '#said', /^Done\.$/);
  assert.deepEqual(crowd.acts, ['scale 7']);
  await page.getByRole('button', { name: 'Scale', exact: true }).press('Enter');
  await page.locator('#workers').fill('');
  await page.getByRole('button', { name: 'No', exact: true }).press('Enter');
  await page.locator('#ask').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Drain', exact: true }).press('Enter');
  await page.keyboard.press('Enter');
  await page.locator('#ask').waitFor({ state: 'hidden' });
  assert.deepEqual(crowd.acts, ['scale 7'], 'a question that is dangerous begins at no');
  await page.close();
});

test('a feed that is silent is cut: the page says so, shows nothing as if it were new, and tries again', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  await using served = await crowd.serve();
  const page = await browser.newPage();
  await page.clock.install();
  await page.goto(served.url);
  await text(page, '#state', /^ready$/);
  const answer = Promise.withResolvers<void>();
  crowd.look = () => answer.promise;
  await looks(page, 0);
  // Two looks later nothing is new any more, to those who come again either.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const again = page.waitForRequest(/feed/);
  await page.clock.fastForward(15_000);
  await again;
  await text(page, '#link', /The feed is cut.*What you see is of/);
  assert.equal(await page.title(), 'no answer · Lastcall');
  assert.equal(await page.locator('body.stale').count(), 1);
  answer.resolve();
  await page.locator('#link').waitFor({ state: 'hidden' });
  assert.equal(await page.locator('body.stale').count(), 0);
  await page.close();
});

test('nothing of a large node is wider than a phone, in any colours', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const crowd = new Crowd();
  crowd.state = 'draining';
  crowd.kept = [stopOf(1)];
  await using served = await crowd.serve();
  for (const colours of [{ colorScheme: 'dark' }, { forcedColors: 'active' }] as const) {
    const page = await browser.newPage({ viewport: { width: 320, height: 600 }, ...colours });
    await page.goto(served.url);
    await page.locator('#work tr').nth(99).waitFor();
    await page.locator('.worker').nth(49).waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320);
    const inside =
      '[...document.querySelectorAll(".wide")].every((e) => e.scrollWidth <= e.clientWidth)';
    assert.equal(await page.evaluate(inside), true, 'not inside the table either');
    await page.close();
  }
});

test('a look that fails ends nothing; one viewer too many is told so', async () => {
  const crowd = new Crowd();
  crowd.look = () => Promise.reject(new Error('the node is busy'));
  await using served = await crowd.serve();
  const viewer = await watch(`${served.url}/feed`);
  await tick(viewer, /event: hello/);
  crowd.look = () => Promise.resolve();
  await tick(viewer, /event: tick/);
  const others = await Promise.all(Array.from({ length: 255 }, () => watch(`${served.url}/feed`)));
  assert.ok(others.every(({ statusCode }) => statusCode === 200));
  assert.equal((await call(`${served.url}/feed`)).status, 503);
  for (const one of [viewer, ...others]) one.destroy();
});

function watch(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject);
  });
}

async function tick(feed: IncomingMessage, wanted: RegExp): Promise<void> {
  let seen = '';
  for await (const chunk of feed.iterator({ destroyOnReturn: false })) {
    seen += String(chunk);
    if (wanted.test(seen)) return;
  }
}
