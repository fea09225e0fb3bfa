import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { NodeUnderTest } from '../../supervisor/test/support/node.ts';
import { browse, count, text } from './support.ts';

let browser: Browser | undefined;
before(async () => {
  browser = await browse();
});
after(() => browser?.close());

/** A way to the admin listener that can be cut. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((from) => {
      const to = connect(port, '127.0.0.1');
      for (const [socket, other] of [
        [from, to],
        [to, from],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets every connection, in the middle of whatever it carries. */
  cut(): void {
    for (const socket of this.#sockets)
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }
}

/** Notes what the page's feed gives it, over all connections, and each time that the page says it is cut. */
const NOTE = `
globalThis.feeds = 0;
globalThis.ids = [];
globalThis.cuts = 0;
addEventListener('DOMContentLoaded', () => {
  const link = document.getElementById('link');
  const look = () => { if (!link.hidden) cuts += 1; };
  new MutationObserver(look).observe(link, { attributeFilter: ['hidden'] });
});
const Real = EventSource;
globalThis.EventSource = class extends Real {
  constructor(url) {
    super(url);
    this.addEventListener('open', () => { feeds += 1; });
    this.addEventListener('hello', ({ data }) => {
      const { points, resumed } = JSON.parse(data);
      if (!resumed) ids.length = 0;
      ids.push(...points.map(({ id }) => id));
    });
    this.addEventListener('tick', ({ data }) => {
      const { point } = JSON.parse(data);
      if (point) ids.push(point.id);
    });
  }
};`;

test('a page whose feed is cut in the middle, again and again, has a history without a gap', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  await using node = await NodeUnderTest.start({ args: ['--admin', '127.0.0.1:0'] });
  await node.line(/admin listener on /);
  const port = Number(/admin listener on \S+:(\d+)/.exec(node.output)?.[1]);
  await using wire = await Wire.to(port);
  const page = await browser.newPage();
  await page.addInitScript(NOTE);
  await page.goto(`http://127.0.0.1:${wire.port}/console`);
  await text(page, '#state', /^ready$/);
  for (let cuts = 1; cuts <= 3; cuts += 1) {
    const seen = await page.evaluate<number>('ids.length');
    await eventuallyMore(page, 'ids.length', seen + 2);
    wire.cut();
    await eventuallyMore(page, 'cuts', cuts);
    await eventuallyMore(page, 'feeds', cuts + 1);
  }
  const seen = await page.evaluate<number>('ids.length');
  await eventuallyMore(page, 'ids.length', seen + 1);
  const ids = await page.evaluate<number[]>('ids');
  assert.deepEqual(
    ids,
    ids.map((_, i) => ids[0]! + i),
  );
  const drawn = "document.querySelector('#curve .line').getAttribute('points').split(' ').length";
  await eventuallyMore(page, drawn, ids.length);
  await page.close();
});

/** The page's own policy allows no waiting inside it, so it is asked from here. */
async function eventuallyMore(page: Page, what: string, least: number): Promise<void> {
  const untilMs = performance.now() + 60_000;
  while ((await page.evaluate<number>(what)) < least) {
    assert.ok(performance.now() < untilMs, `${what} stays below ${least}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('who is no operator sees all and finds no button; with the token there are buttons that work', async (t) => {
  if (!browser) return t.skip('there is no Chromium');
  const token = 'a-token-of-this-test';
  await using node = await NodeUnderTest.start({
    args: ['--admin', '127.0.0.1:0', '--operator-token', token],
  });
  await node.line(/admin listener on /);
  const admin = /admin listener on (\S+)/.exec(node.output)?.[1];
  // A proxy stands between: loopback alone is then no proof.
  const page = await browser.newPage({ extraHTTPHeaders: { 'x-forwarded-for': '10.0.0.1' } });
  await page.goto(`http://${admin}/console`);
  await text(page, '#state', /^ready$/);
  await count(page, '.worker[data-phase=serving]', 2);
  assert.equal(await page.locator('#actions').isVisible(), false);
  assert.equal(await page.locator('#viewer').isVisible(), true);
  const act = (headers: string): Promise<number> =>
    page.evaluate<number>(
      `fetch('/console/act', { method: 'POST', headers: { 'content-type': 'application/json', 'x-lastcall-console': '1'${headers} }, body: '{"action":"drain"}' }).then(({ status }) => status)`,
    );
  assert.equal(await act(''), 403);
  assert.equal(await act(", authorization: 'Bearer another'"), 403);
  assert.equal((await node.status()).state, 'ready');
  await page.getByLabel('Operator token').fill('another');
  await page.getByLabel('Operator token').press('Tab');
  await page.getByRole('button', { name: 'Drain', exact: true }).click();
  await page.getByRole('button', { name: 'Yes' }).click();
  await text(page, '#said', /Only an operator/);
  assert.equal((await node.status()).state, 'ready');
  await page.getByLabel('Operator token').fill(token);
  await page.getByRole('button', { name: 'Drain', exact: true }).click();
  await page.getByRole('button', { name: 'Yes' }).click();
  await text(page, '#state', /^draining$/);
  await page.close();
});
