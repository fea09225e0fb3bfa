import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findProgram } from '../../../scripts/programs.ts';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A headless Chromium; undefined where there is none and none can be installed. */
export async function browse(): Promise<Browser | undefined> {
  const executablePath = findProgram('chromium');
  return executablePath ? chromium.launch({ executablePath, args: ARGUMENTS }) : undefined;
}

/** Resolves when the element has the text. */
export async function text(page: Page, selector: string, wanted: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: wanted }).waitFor({ timeout: 60_000 });
}

/** Resolves when so many elements are there: each part of the page is drawn in a frame of its own. */
export async function count(page: Page, selector: string, wanted: number): Promise<void> {
  const limitMs = performance.now() + 60_000;
  for (;;) {
    const found = await page.locator(selector).count();
    if (found === wanted) return;
    assert.ok(performance.now() < limitMs, `${found} of ${selector}, not ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** One call of the admin listener, with headers that fetch would not send. */
export function call(
  url: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    request.on('error', reject).end(body);
  });
}
