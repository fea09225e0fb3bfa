import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshClient, keepAliveClient, newAccount, startLoad } from './support/load.ts';
import { startServer } from './support/process.ts';
import { RawClient } from './support/raw-client.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);

for (let round = 1; round <= REPEAT; round += 1) {
  test(`64 busy keep-alive connections: every request is answered (${round})`, async () => {
    await using server = await startServer();
    const account = newAccount();
    const { done } = await startLoad(64, (warm) =>
      keepAliveClient(server.port, account, () => 0, warm),
    );
    account.stopping = true;
    server.signal('SIGTERM');
    await done;
    const { code } = await server.ended;
    assert.equal(account.lost, 0, `lost ${account.lost} of ${account.sent}`);
    assert.equal(account.unannounced, 0, 'each connection ends with Connection: close');
    assert.equal(code, 0);
  });

  test(`64 keep-alive connections with think times of 0-40 ms (${round})`, async () => {
    await using server = await startServer();
    const account = newAccount();
    const { done } = await startLoad(64, (warm) =>
      keepAliveClient(server.port, account, () => Math.random() * 40, warm),
    );
    account.stopping = true;
    server.signal('SIGTERM');
    await done;
    assert.equal(account.lost, 0, `lost ${account.lost} of ${account.sent}`);
    assert.equal((await server.ended).code, 0);
  });

  test(`16 clients that connect anew: every accepted connection is answered (${round})`, async () => {
    await using server = await startServer('server.ts', { env: { LASTCALL_LEAVE_MAX_MS: '300' } });
    const account = newAccount();
    const { done } = await startLoad(16, (warm) => freshClient(server.port, account, warm));
    account.stopping = true;
    server.signal('SIGTERM');
    await done;
    assert.equal(account.lost, 0, `lost ${account.lost} of ${account.sent}`);
    assert.equal(account.refusedConnections, 16);
    assert.equal((await server.ended).code, 0);
  });

  test(`64 busy TLS connections: every request is answered (${round})`, async () => {
    await using server = await startServer('server.ts', { env: { TLS: '1' } });
    const account = newAccount();
    const { done } = await startLoad(16, (warm) =>
      keepAliveClient(server.port, account, () => 0, warm, { tls: true }),
    );
    account.stopping = true;
    server.signal('SIGTERM');
    await done;
    assert.equal(account.lost, 0, `lost ${account.lost} of ${account.sent}`);
    assert.equal((await server.ended).code, 0);
  });

  test(`a client that is held up after it connected is answered while work runs (${round})`, async () => {
    await using server = await startServer();
    const busy = await RawClient.open(server.port);
    busy.get('/slow?ms=3000');
    await server.printed('working');
    server.signal('SIGTERM');
    await server.printed('state draining');
    const late = await RawClient.open(server.port);
    // Beyond the shortest linger.
    await sleep(600);
    late.get('/');
    assert.equal((await late.answer())?.status, 503);
    assert.equal((await busy.answer())?.status, 200);
    assert.equal((await server.ended).code, 0);
  });
}
