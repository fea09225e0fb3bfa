import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHandover } from '@lastcall/handover';
import { startPostgres } from './support/postgres.ts';

test('who looks for work in vain writes nothing', { timeout: 120_000 }, async () => {
  await using postgres = await startPostgres(['autovacuum=off']);
  // Their beats, which are writes, are an hour apart.
  const options = { connectionString: postgres.url, leaseMs: 36_000_000 };
  const adder = await openHandover(options);
  const [worker, other] = [await openHandover(options), await openHandover(options)];
  const written = async (): Promise<bigint> => {
    const [row] = await postgres.query<{ next: string }>(
      'select pg_snapshot_xmax(pg_current_snapshot()) as next',
    );
    return BigInt(row?.next ?? 0);
  };
  for (const each of [worker, other]) each.handle('late', () => undefined);
  const before = await written();
  const id = await adder.add('late', null, { delayMs: 3_600_000 });
  // They look several times meanwhile.
  await sleep(1_500);
  assert.equal((await written()) - before, 1n, 'added');
  // Who sees it ready as another claims it may have to lock it to learn that: one alone does not.
  await other.close();
  const closed = await written();
  // Nobody is told.
  await postgres.query('update handover.works set available_at = clock_timestamp()');
  while ((await adder.get(id)).state !== 'completed');
  assert.equal((await written()) - closed, 3n, 'made ready, claimed, ended');
  for (const each of [adder, worker]) await each.close();
});
