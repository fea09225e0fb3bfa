import assert from 'node:assert/strict';
import test from 'node:test';
import { startCluster } from '../support/cluster.ts';
import {
  ALERTMANAGER,
  json,
  PROMETHEUS,
  startAlertmanager,
  startPrometheus,
  startReceiver,
} from '../support/monitoring.ts';
import { eventually, HAPROXY, missing } from '../support/place.ts';

const skip = missing(PROMETHEUS) || missing(ALERTMANAGER) || missing(HAPROXY);

async function alertState(url: string, name: string): Promise<string> {
  const { data } = await json<{
    data: { groups: { rules: { name: string; state: string; lastError?: string }[] }[] };
  }>(`${url}/api/v1/rules`);
  const found = data.groups.flatMap(({ rules }) => rules).find((rule) => rule.name === name);
  assert.equal(found?.lastError, undefined);
  return found?.state ?? 'absent';
}

const post = (url: string): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { connection: 'close' } });

test(
  'a node that drains: the alert fires, reaches the receiver of its severity, and resolves when the drain is undone',
  { skip },
  async (t) => {
    const receiver = await startReceiver(t);
    const cluster = await startCluster(t, 'haproxy', { nodes: 1, env: { GRACE_MS: '60000' } });
    const node = `127.0.0.1:${cluster.nodes[0]!.port}`;
    const alertmanager = await startAlertmanager(t, receiver.port);
    const url = await startPrometheus(t, [node], alertmanager);
    await eventually(
      'quiet at first',
      async () => (await alertState(url, 'LastcallNotReady')) === 'inactive',
    );
    const held = new AbortController();
    const stream = fetch(`http://${node}/hang`, { signal: held.signal }).catch(() => {});
    await eventually(
      'work is in flight',
      async () =>
        (await json<{ active_streams: number }>(`http://${node}/v1/streams/active-count`))
          .active_streams === 1,
    );
    await post(`http://${node}/-/shutdown/drain`);
    await eventually(
      'the alert fires',
      async () => (await alertState(url, 'LastcallNotReady')) === 'firing',
    );
    const expected = { path: '/tickets', name: 'LastcallNotReady', instance: node };
    await eventually('the receiver is told', () => receiver.notices.length > 0);
    assert.deepEqual(receiver.notices[0], { ...expected, status: 'firing' });

    await post(`http://${node}/shutdown/reset`);
    await eventually(
      'the alert resolves',
      async () => (await alertState(url, 'LastcallNotReady')) === 'inactive',
    );
    await eventually('the receiver is told of that', () =>
      receiver.notices.some(({ status }) => status === 'resolved'),
    );
    assert.deepEqual(receiver.notices.at(-1), { ...expected, status: 'resolved' });
    // A warning wakes nobody.
    assert.ok(receiver.notices.every(({ path }) => path === '/tickets'));
    held.abort();
    await stream;
  },
);
