import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { operate } from './support/client.ts';
import { launch, withoutBrowser } from './support/browser.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

describe('the page', { skip: withoutBrowser, timeout: 280_000 }, () => {
  const folder = dataFolder();
  let service: ServiceProcess;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  before(async () => {
    service = await startService({
      LASTCALL_DATA_DIR: folder.path,
      MODEL_TOKENS_PER_SECOND: '100',
      TASK_CONCURRENCY: '1',
    });
    browser = await launch();
    page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(service.url)) complaints.push(`asked ${request.url()}`);
    });
    await page.goto(service.url);
    await page.locator('#state[data-state=ready]').waitFor();
  });
  after(async () => {
    await browser?.close();
    await service[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const outputText = (): Promise<string> => page.locator('#stream-output').innerText();
  const count = (status: string, value: string) =>
    page.locator(`[data-count=${status}]`, { hasText: new RegExp(`^${value}$`) }).waitFor();

  test('is served with a strict policy', async () => {
    const response = await fetch(service.url);
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  });

  test('shows a stream token by token, by keyboard alone', async () => {
    await page.locator('#stream-input').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.type('800');
    await page.keyboard.press('Enter');
    // Not waitForFunction: it needs eval, which the page's policy refuses.
    await page.locator('#stream-output:not(:empty)').waitFor();
    const first = await outputText();
    await page.locator('#stream-status', { hasText: /^completed: \d+ tokens/ }).waitFor();
    const whole = await outputText();
    assert.ok(whole.length > first.length, 'came all at once');
  });

  test('stops a stream', async () => {
    await page.fill('#stream-tokens', '5000');
    await page.click('#stream-start');
    await page.locator('#stream-status', { hasText: 'Streaming' }).waitFor();
    await page.click('#stream-stop');
    await page.locator('#stream-status', { hasText: 'Stopped.' }).waitFor();
    await page.locator('#stream-start:focus').waitFor();
  });

  test('queues tasks, shows their counts and results, and revokes', async () => {
    await page.fill('#task-tokens', '5000');
    await page.click('text=Queue it');
    await count('running', '1');
    // Told by the socket while it runs.
    await page.locator('#tasks li[data-status=running] p', { hasText: /^… \S+/ }).waitFor();
    await page.fill('#task-tokens', '20');
    await page.click('text=Queue it');
    await count('queued', '1');
    await page
      .getByRole('button', { name: /^Revoke task/ })
      .last()
      .click();
    await count('revoked', '1');
    await count('done', '1');
    const done = page.locator('#tasks li[data-status=done] p').last();
    assert.ok((await done.innerText()).length > 10);
  });

  test('tells what was refused, and the state of the lifecycle', async () => {
    await operate(`${service.url}/-/shutdown/drain`);
    await page.locator('#state', { hasText: 'shutting down' }).waitFor();
    await page.click('text=Queue it');
    await page.locator('#task-status', { hasText: 'Service is shutting down' }).waitFor();
    await operate(`${service.url}/shutdown/reset`);
    await page.locator('#state', { hasText: 'ready' }).waitFor();
  });

  test('nothing was asked of another host, and no error was shown but the refusal', () => {
    const unexpected = complaints.filter((text) => !text.includes('503'));
    assert.deepEqual(unexpected, []);
  });

  // Last: it ends the service.
  test('shows that the service has gone', async () => {
    assert.equal(await service.end('SIGTERM'), 0, service.output());
    await page.locator('#state', { hasText: 'not reachable' }).waitFor();
  });
});
