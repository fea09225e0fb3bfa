import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openHandover } from '@lastcall/handover';
import { createLifecycle } from 'lastcall';
import pg from 'pg';
import { startPostgres, type TestPostgres, untilWaits } from './support/postgres.ts';
import { startProxy } from './support/proxy.ts';

let postgres: TestPostgres;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres[Symbol.asyncDispose]());

/** Holds the connections whose first bytes match, from the `from`-th on, until it is told. */
function holding(what: RegExp, from = 1) {
  const [held, freed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let seen = 0;
  return {
    pass: async (first: string): Promise<boolean> => {
      if (what.test(first) && ++seen >= from) {
        held.resolve();
        await freed.promise;
      }
      return true;
    },
    held: held.promise,
    free: freed.resolve,
  };
}
const session = /lastcall handover session/;
const pool = /lastcall handover(?! (session|effects))/;

test('a close while the lost session is connecting again does not wait for that', async () => {
  const gate = holding(session, 2);
  await using proxy = await startProxy(postgres.url, gate.pass);
  const handover = await openHandover({ connectionString: proxy.url });
  proxy.cut();
  await gate.held;
  await handover.close();
  gate.free();
  assert.equal(handover.connected, false);
});

test('a stop while the session connects for the first time does not wait for that', async () => {
  const gate = holding(session);
  await using proxy = await startProxy(postgres.url, gate.pass);
  const lifecycle = createLifecycle();
  const opening = openHandover({ connectionString: proxy.url, lifecycle });
  const rejected = assert.rejects(opening);
  await gate.held;
  assert.equal((await lifecycle.stop({ reason: 'test' })).exitCode, 0);
  await rejected;
  gate.free();
});

test('a stop while the connections of the pool are opened ends, and the opening rejects', async () => {
  const said: string[] = [];
  const gate = holding(pool);
  await using proxy = await startProxy(postgres.url, gate.pass);
  const lifecycle = createLifecycle();
  const say = (line: string): void => void said.push(line);
  const opening = openHandover({ connectionString: proxy.url, lifecycle, say });
  const rejected = assert.rejects(opening, { code: 'ERR_HANDOVER_CLOSED' });
  await gate.held;
  // Runs just before the handover's own, which is registered already.
  lifecycle.onClose('gate', () => void setImmediate(gate.free));
  const stopped = lifecycle.stop({ reason: 'test' });
  await rejected;
  assert.equal((await stopped).exitCode, 0);
  // The worker of an earlier test, whose session was cut, may be buried meanwhile.
  assert.deepEqual(
    said.filter((line) => !line.endsWith('is gone: others have its work')),
    [],
  );
});

test('a close does not wait for a retention that takes long', { timeout: 45_000 }, async () => {
  await (await openHandover({ connectionString: postgres.url })).close();
  const holder = new pg.Client(postgres.url);
  await holder.connect();
  try {
    await holder.query('begin; lock table handover.effects in access exclusive mode');
    const handover = await openHandover({ connectionString: postgres.url });
    await untilWaits(postgres, 'delete from handover.effects');
    await handover.close();
  } finally {
    await holder.end();
  }
});
