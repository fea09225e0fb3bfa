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

/**
 * Texts and fields of the page that stand out too little from their ground, with their contrast
 * (WCAG 2.2, 1.4.3 and 1.4.11).
 */
const FAINT = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], ground) =>
    [r, g, b].map((channel, i) => channel * a + ground[i] * (1 - a));
  const grounds = (element) => {
    const chain = [];
    for (let e = element; e; e = e.parentElement) chain.unshift(e);
    return chain;
  };
  const groundOf = (element) =>
    grounds(element).reduce((ground, e) => over(channels(getComputedStyle(e).backgroundColor), ground), [255, 255, 255]);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const opacityOf = (element) => grounds(element).reduce((all, e) => all * Number(getComputedStyle(e).opacity), 1);
  const contrast = (colour, element) => {
    const ground = groundOf(element);
    const [r, g, b] = channels(colour);
    const [a, c] = [light(over([r, g, b, opacityOf(element)], ground)), light(ground)];
    return (Math.max(a, c) + 0.05) / (Math.min(a, c) + 0.05);
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const name = element.tagName + '#' + element.id + '.' + element.className;
    const style = getComputedStyle(element);
    const isField = element.tagName === 'INPUT' && element.checkVisibility();
    const border = isField ? contrast(style.borderTopColor, element.parentElement) : 3;
    if (border < 3) found.push([name, 'border', border]);
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || !element.checkVisibility()) continue;
    const ratio = contrast(style.color, element);
    if (ratio < 4.5) found.push([name, 'text', ratio]);
  }
  return found;
})()`;

async function faint(page: Page): Promise<unknown[]> {
  return page.evaluate<unknown[]>(FAINT);
}

for (const colorScheme of ['light', 'dark'] as const)
  test(`what the page says can be read, also when it is old: ${colorScheme}`, async (t) => {
    if (!browser) return t.skip('there is no Chromium');
    const crowd = new Crowd();
    crowd.state = 'draining';
    crowd.isOperator = () => false;
    const stop = stopOf(1);
    crowd.kept = [{ ...stop, outcomes: { ...stop.outcomes, lost: 1 } }];
    await using served = await crowd.serve();
    const page = await browser.newPage({ colorScheme });
    await page.clock.install();
    await page.goto(served.url);
    await text(page, '#state', /^draining$/);
    await page.getByLabel('Operator token').fill('a token');
    await page.locator('#stops summary').click();
    await page.getByRole('button', { name: 'Scale', exact: true }).click();
    await page.locator('#workers').waitFor();
    assert.deepEqual(await faint(page), []);
    await page.getByRole('button', { name: 'No', exact: true }).click();
    crowd.look = () => new Promise(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await page.clock.fastForward(15_000);
    await text(page, '#link', /The feed is cut.*What you see is of .*\d{4}/);
    assert.deepEqual(await faint(page), []);
    await page.close();
  });
