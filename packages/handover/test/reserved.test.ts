import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Handover, openHandover } from '@lastcall/handover';
import { createLifecycle } from 'lastcall';
import { startPostgres, type TestPostgres } from './support/postgres.ts';

let postgres: TestPostgres;
const open: Handover[] = [];
before(async () => {
  postgres = await startPostgres();
});
after(async () => {
  for (const handover of open) await handover.close();
  await postgres[Symbol.asyncDispose]();
});
const join = async (options: object = {}): Promise<Handover> => {
  const handover = await openHandover({ connectionString: postgres.url, ...options });
  open.push(handover);
  return handover;
};
const timeout = 20_000;

async function successorOf(id: string): Promise<string | null> {
  const [row] = await postgres.query<{ successor: string | null }>(
    'select successor from handover.works where id = $1',
    [id],
  );
  return row?.successor ?? null;
}

test('what a worker answered for before it closed goes to another', { timeout }, async () => {
  const [a, b] = [await join(), await join()];
  const pass = Promise.withResolvers<void>();
  a.handle('passed', async (job) => {
    await pass.promise;
    return job.passOn(1);
  });
  b.handle('passed', () => 'by b');
  const id = await a.add('passed', null, { here: true });
  await a.drain(60_000);
  while ((await successorOf(id)) !== b.worker) await new Promise((r) => setTimeout(r, 10));
  await b.close();
  pass.resolve();
  const c = await join();
  c.handle('passed', () => 'by c');
  for await (const _ of await c.read(id));
  assert.equal((await c.get(id)).result, 'by c');
});

test('what is reserved for a worker that is no more is claimed', { timeout }, async () => {
  const a = await join();
  const id = await a.add('orphaned', null);
  await postgres.query('update handover.works set successor = 999999 where id = $1', [id]);
  a.handle('orphaned', () => 'done');
  for await (const _ of await a.read(id));
  assert.equal((await a.get(id)).state, 'completed');
});

test(
  'who opens while its lifecycle drains claims nothing until that is undone',
  { timeout },
  async () => {
    const lifecycle = createLifecycle({ graceMs: 60_000 });
    lifecycle.ready();
    await lifecycle.drain({ reason: 'test' });
    const late = await join({ lifecycle });
    late.handle('late', () => 'done');
    const id = await late.add('late', null, { here: true });
    assert.equal((await late.get(id)).state, 'waiting');
    assert.equal(late.running, 0);
    assert.ok(lifecycle.resume());
    for await (const _ of await late.read(id));
    assert.equal((await late.get(id)).state, 'completed');
  },
);
