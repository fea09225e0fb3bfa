import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { GrpcPeer } from '../protocols/support/grpc-peer.ts';
import { startServer } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

test('HTTP, gRPC and raw TCP on one lifecycle: all finish, all close before the hooks, the admin listener last', async () => {
  await using server = await startServer('../adapters/fixtures/several-protocols.ts');
  const ports = /ports ([\d,]+)/.exec(server.output())?.[1]?.split(',').map(Number) ?? [];
  const [web = 0, rpc = 0, raw = 0] = ports;
  const overHttp = await RawClient.open(web);
  const overGrpc = await GrpcPeer.open(rpc);
  const overTcp = connect(raw, '127.0.0.1').setEncoding('utf8');
  overHttp.get('/slow?ms=600');
  const call = overGrpc.ask('/slow?ms=600');
  overTcp.write('/slow?ms=600');
  await server.printed(/(?:working[^]*){3}/);
  server.signal('SIGTERM');
  const [line] = (await once(overTcp, 'data')) as [string];
  const texts = [(await overHttp.answer())?.body.toString(), (await call)?.text, line];
  assert.deepEqual(texts, ['slow', 'slow', 'slow']);
  overTcp.end();

  await server.printed('closing the pool');
  for (const port of ports) await assert.rejects(RawClient.open(port), { code: 'ECONNREFUSED' });
  const admin = await RawClient.open(server.port);
  admin.get('/metrics');
  assert.match(
    (await admin.answer())?.body.toString() ?? '',
    /lastcall_state\{state="closing"\} 1/,
  );
  admin.destroy();
  overGrpc.destroy();
  server.child.send('go on');
  assert.equal((await server.ended).code, 0);
  assert.match(server.output(), /completed 3, lost 0, refused 0/);
});
