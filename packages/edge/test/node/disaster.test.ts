import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { Desk, readInventory } from '@lastcall/edge';
import { startCluster } from '../support/cluster.ts';
import { startLoad } from '../support/load.ts';
import { eventually, HAPROXY, missing } from '../support/place.ts';

/** A process and all below it. */
function family(pid: number): number[] {
  const children = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
    } catch {
      return false;
    }
  });
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

test(
  'a whole node killed under load costs what it held, and nothing once HAProxy has noticed',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy', { nodes: 3, workers: 2 });
    const desk = new Desk(readInventory(cluster.inventory));
    const [node] = cluster.nodes;
    const load = startLoad(cluster.url, false);
    await eventually('the load runs', () => (load.account.sent.stream ?? 0) > 8);
    const killedMs = performance.now();
    for (const pid of family(Number(readFileSync(node!.pidFile, 'utf8'))))
      process.kill(pid, 'SIGKILL');
    await eventually('HAProxy has noticed', async () =>
      (await desk.proxy.servers()).some(({ inService }) => !inService),
    );
    const noticedMs = performance.now() - killedMs;
    // What was being answered when the node died has failed by now: one stream lasts half a second.
    await eventually('the streams of then have ended', () => performance.now() - killedMs > 1_500);
    const failed = load.account.failed.length;
    const sent = Object.values(load.account.sent).reduce((total, count) => total + count, 0);
    await eventually(
      'a thousand requests later',
      () =>
        Object.values(load.account.sent).reduce((total, count) => total + count, 0) > sent + 1_000,
    );
    await load.stop();
    t.diagnostic(
      `noticed after ${Math.round(noticedMs)} ms; ${failed} requests failed: ${[...new Set(load.account.failed)].join('; ')}`,
    );
    assert.equal(load.account.failed.length, failed);
    // 16 clients: no more can have been in flight.
    assert.ok(failed <= 16, String(failed));
  },
);
