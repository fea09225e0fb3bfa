import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openHandover } from '@lastcall/handover';
import { startPostgres, type TestPostgres } from './support/postgres.ts';
import { startProxy } from './support/proxy.ts';

let postgres: TestPostgres;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres[Symbol.asyncDispose]());
const timeout = 30_000;

test(
  'a claim whose answer is lost is made again by the worker that lives on',
  { timeout },
  async () => {
    await using proxy = await startProxy(postgres.url, () => true);
    const a = await openHandover({ connectionString: proxy.url });
    const { worker } = a;
    const lost = proxy.loseAnswer('handover-claim');
    const id = await a.add('claimed', null);
    a.handle('claimed', () => 'done');
    await lost;
    for await (const _ of await a.read(id));
    const work = await a.get(id);
    assert.deepEqual([work.result, work.losses, a.worker], ['done', 0, worker]);
    await a.close();
  },
);

test('a work added here whose answer is lost runs here all the same', { timeout }, async () => {
  await using proxy = await startProxy(postgres.url, () => true);
  const a = await openHandover({ connectionString: proxy.url });
  const { worker } = a;
  a.handle('added', () => 'done');
  const lost = proxy.loseAnswer('handover-add-here');
  await assert.rejects(a.add('added', null, { id: 'mine', here: true }));
  await lost;
  assert.equal(await a.add('added', null, { id: 'mine', here: true }), 'mine');
  for await (const _ of await a.read('mine'));
  const work = await a.get('mine');
  assert.deepEqual([work.result, work.losses, a.worker], ['done', 0, worker]);
  await a.close();
});

test(
  'a claim that is committed when nobody waits for it any more is found',
  { timeout },
  async () => {
    const a = await openHandover({ connectionString: postgres.url });
    const id = await a.add('late', null);
    // As a claim that waited for a synchronous standby for longer than its worker.
    await postgres.query(
      `update handover.works set state = 'running', owner = $2, fence = fence + 1 where id = $1`,
      [id, a.worker],
    );
    a.handle('late', () => 'done');
    for await (const _ of await a.read(id));
    assert.equal((await a.get(id)).losses, 0);
    await a.close();
  },
);
