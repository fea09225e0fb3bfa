import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NodeUnderTest } from './support/node.ts';

const APP = new URL('./fixtures/protocol-app.ts', import.meta.url).pathname;

for (const protocol of ['http2', 'tcp', 'grpc'])
  it(`a service of ${protocol} alone passes the check of its workers, at the start and at a reload`, async () => {
    await using node = await NodeUnderTest.start({
      target: [APP],
      env: { APP_PROTOCOL: protocol, LASTCALL_WORKERS: '1' },
    });
    await node.ask('reload');
    const { last_reload, generation } = await node.status();
    assert.deepEqual([last_reload?.ok, generation], [true, 2]);
  });
