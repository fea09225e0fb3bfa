// A supervisor that hangs: its socket accepts and nobody answers.
import assert from 'node:assert/strict';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { code, fakeHaproxy, LEFT, type Runtime } from '../support/fake-haproxy.ts';
import { folder } from '../support/place.ts';

async function hung(t: Parameters<typeof fakeHaproxy>[0], answered: string[]): Promise<Runtime> {
  const control = join(folder(t), 'control');
  const clients = new Set<net.Socket>();
  const supervisor = net.createServer((client) => {
    clients.add(client.on('error', () => {}));
    client.once('close', () => clients.delete(client));
    client.once('data', (line) => {
      const { verb } = JSON.parse(line.toString()) as { verb: string };
      if (answered.includes(verb)) client.end(`${JSON.stringify({ ok: true, result: {} })}\n`);
    });
  });
  await new Promise<void>((resolve) => supervisor.listen(control, resolve));
  t.after(() => {
    supervisor.close();
    for (const client of clients) client.destroy();
  });
  return fakeHaproxy(t, { control, url: 'http://127.0.0.1:1' });
}

test('a drain is refused, with nothing changed', { timeout: 25_000 }, async (t) => {
  const runtime = await hung(t, []);
  await assert.rejects(
    runtime.desk().drain('a'),
    code('ERR_EDGE_MANAGER', /did not answer within 5 s/),
  );
  assert.deepEqual([...runtime.out], []);
  assert.deepEqual(runtime.desk().journal.all(), []);
});

test('a rollback ends', { timeout: 25_000 }, async (t) => {
  const runtime = await hung(t, []);
  runtime.out.add('a');
  const { journal } = runtime.desk();
  journal.write({ ...LEFT, done: ['take_out', 'settle'] });
  await assert.rejects(runtime.desk().rollback('a'), code('ERR_EDGE_NODE', /cannot be taken back/));
  assert.deepEqual([...runtime.out], ['a']);
  assert.deepEqual(journal.read('a')?.done, ['take_out', 'settle']);
});
