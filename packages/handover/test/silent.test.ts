import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openHandover } from '@lastcall/handover';
import { startPostgres } from './support/postgres.ts';
import { startProxy } from './support/proxy.ts';

test(
  'connections that go silent hold up neither the events nor the close',
  { timeout: 60_000 },
  async () => {
    await using postgres = await startPostgres();
    await using proxy = await startProxy(postgres.url, () => true);
    const a = await openHandover({ connectionString: proxy.url, leaseMs: 2_000 });
    const gone = Promise.withResolvers<void>();
    a.handle('silent', async (job) => {
      await job.emit('n', 1);
      await gone.promise;
      await job.emit('n', 2);
      return 'done';
    });
    const id = await a.add('silent', null, { here: true });
    const reader = await a.read(id);
    assert.equal((await reader.next()).value?.seq, 1);
    proxy.freeze();
    gone.resolve();
    assert.equal((await reader.next()).value?.seq, 2);
    assert.equal((await reader.next()).done, true);
    await a.close();
  },
);
