import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openHandover } from '@lastcall/handover';
import { startPostgres } from './support/postgres.ts';

test('who looks for work in vain writes nothing', { timeout: 60_000 }, async () => {
  await using postgres = await startPostgres(['autovacuum=off']);
  // Their beats, which are writes, are 60 s apart.
  const options = { connectionString: postgres.url, leaseMs: 600_000 };
  const adder = await openHandover(options);
  const workers = await Promise.all([openHandover(options), openHandover(options)]);
  const written = async (): Promise<bigint> => {
    const [row] = await postgres.query<{ next: string }>(
      'select pg_snapshot_xmax(pg_current_snapshot()) as next',
    );
    return BigInt(row?.next ?? 0);
  };
  const begun = Promise.withResolvers<void>();
  for (const worker of workers) worker.handle('late', () => begun.resolve());
  const before = await written();
  // Nobody is told when a delay is over: they look several times until then.
  const id = await adder.add('late', null, { delayMs: 1_500 });
  await begun.promise;
  while ((await adder.get(id)).state !== 'completed');
  assert.equal((await written()) - before, 3n, 'added, claimed, ended');
  for (const each of [adder, ...workers]) await each.close();
});
