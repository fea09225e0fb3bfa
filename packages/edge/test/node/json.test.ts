// What programs read of `lastcall node`: one JSON document, the exit code, and nothing else on standard output.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { EDGE_EXIT_CODES } from '@lastcall/edge';
import { startCluster } from '../support/cluster.ts';
import { type Ended, lastcall } from '../support/command.ts';
import { Upload } from '../support/load.ts';
import { eventually, folder, HAPROXY, inFlight, missing } from '../support/place.ts';

interface Told {
  ok?: boolean;
  dryRun?: boolean;
  verb: string;
  server?: string;
  steps: {
    verb?: string;
    action: string;
    undo: string;
    ok?: boolean;
    told?: string;
    ms?: number;
  }[];
  nodes: { server: string; state?: string; steps: Told['steps'] }[];
  error: { code: string; message: string } | null;
}

const DRAIN = ['take_out', 'settle', 'stop', 'await_exit', 'verify'];
const UNDRAIN = ['start', 'await_ready', 'put_back'];

test(
  'drain, undrain and roll tell a program what they will do and did',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy', { nodes: 3 });
    const node = async (...words: string[]): Promise<Ended & { told: Told }> => {
      const ended = await lastcall(['node', ...words, '--json', '--nodes', cluster.inventory]);
      return { ...ended, told: JSON.parse(ended.out) as Told };
    };
    const actions = ({ steps }: { steps: Told['steps'] }): string[] =>
      steps.map(({ action }) => action);

    const plan = await node('drain', 'node1', '--dry-run');
    assert.deepEqual([plan.code, plan.told.dryRun, actions(plan.told)], [0, true, DRAIN]);
    const refused = await node('drain', 'node9');
    assert.equal(refused.code, 2);
    assert.deepEqual(
      [refused.told.ok, refused.told.error?.code, refused.told.steps],
      [false, 'ERR_EDGE_SERVER', []],
    );
    assert.match(
      refused.err,
      /^lastcall: There is no node node9\. There are: node1, node2, node3\.\n$/,
    );

    const drained = await node('drain', 'node1');
    assert.equal(drained.code, 0, drained.err);
    assert.deepEqual(
      [drained.told.ok, drained.told.server, drained.told.error],
      [true, 'node1', null],
    );
    assert.deepEqual(actions(drained.told), DRAIN);
    assert.ok(drained.told.steps.every(({ ok, told, ms }) => ok && told !== '' && (ms ?? -1) >= 0));
    assert.equal((await node('drain', 'node1')).told.error?.code, 'ERR_EDGE_SERVER');
    const undone = await node('drain', 'node1', '--rollback');
    assert.deepEqual([undone.told.verb, undone.told.error?.code], ['rollback', 'ERR_EDGE_NODE']);
    // It is as done as before.
    assert.match((await node('drain', 'node1')).told.error?.message ?? '', /is down already/);
    assert.equal((await node('roll')).told.error?.code, 'ERR_EDGE_JOURNAL');
    const back = await node('undrain', 'node1');
    assert.deepEqual([back.code, actions(back.told)], [0, UNDRAIN]);

    const rollPlan = await node('roll', '--dry-run', '--parallel', '2');
    assert.equal(rollPlan.told.nodes.length, 3);
    for (const planned of rollPlan.told.nodes)
      assert.deepEqual(actions(planned), [...DRAIN, ...UNDRAIN]);
    for (const words of [[], ['--dry-run']])
      assert.equal(
        (
          await lastcall([
            'node',
            'roll',
            '--parallel',
            '3',
            ...words,
            '--nodes',
            cluster.inventory,
          ])
        ).code,
        1,
      );

    cluster.rewrite((inventory) => {
      (inventory.nodes as Record<string, unknown>[])[1]!.start = 'exit 3';
    });
    const rolled = await node('roll');
    assert.equal(rolled.code, 1);
    assert.deepEqual([rolled.told.ok, rolled.told.error?.code], [false, 'ERR_EDGE_NODE']);
    assert.deepEqual(
      rolled.told.nodes.map(({ server, state, steps }) => [server, state, steps.length]),
      [
        ['node1', 'rolled', 8],
        ['node2', 'failed', 7],
        ['node3', 'not_touched', 0],
      ],
    );
    const failed = rolled.told.nodes[1]!.steps.at(-1)!;
    assert.deepEqual([failed.verb, failed.action, failed.ok], ['undrain', 'await_ready', false]);
    assert.match(failed.told ?? '', /its command ended with code 3/);
    assert.match(failed.undo, /lastcall node drain node2/);

    // Two are left: one may go, the last one only by force.
    assert.equal((await node('drain', 'node1')).code, 0);
    const last = await node('drain', 'node3');
    assert.deepEqual([last.code, last.told.error?.code], [1, 'ERR_EDGE_LAST']);
    assert.deepEqual(
      last.told.steps.map(({ action, ok }) => [action, ok]),
      [['take_out', false]],
    );
    // An upload that does not end keeps the drain in its second step, whenever the signal comes.
    cluster.rewrite((inventory) => {
      inventory.settle = '60s';
    });
    const upload = new Upload(cluster.url);
    await eventually('it is there', async () => (await inFlight(cluster.nodes[2]!.port)) === 1);
    const cut = await lastcall(
      ['node', 'drain', 'node3', '--force', '--nodes', cluster.inventory],
      undefined,
      (child, out) => {
        if (out.includes('[2/5]')) child.kill('SIGINT');
      },
    );
    assert.match(cut.err, /^lastcall: cut off by SIGINT\. lastcall node status shows/);
    assert.equal(await upload.finish(), '8');
    const forced = await node('drain', 'node3', '--force', '--continue');
    assert.equal(forced.code, 0, forced.err);
  },
);

test('the codes of errors are those of the runbook, with their exit codes', () => {
  const runbook = readFileSync(
    fileURLToPath(new URL('../../../../docs/ops/drain_runbook.md', import.meta.url)),
    'utf8',
  );
  const rows = [...runbook.matchAll(/^\| `(ERR_EDGE_\w+)` \| (\d) \|/gm)];
  assert.deepEqual(
    Object.fromEntries(rows.map(([, code, exit]) => [code, Number(exit)])),
    EDGE_EXIT_CODES,
  );
});

test('a plan for a node that nobody can stop is refused', async (t) => {
  const file = join(folder(t), 'edge.yaml');
  writeFileSync(
    file,
    'upstream: a\nnginx: { config: x }\nnodes: [{ server: "a:1" }, { server: "b:1" }]\n',
  );
  for (const words of [['drain', 'a:1'], ['roll']]) {
    const { code, err } = await lastcall(['node', ...words, '--dry-run', '--nodes', file]);
    assert.equal(code, 2);
    assert.match(err, /a:1 says nothing of how it is stopped/);
  }
});

for (const [words, message] of [
  [['drain', 'a:1', '--rollback', '--continue'], /--rollback.*cannot be used with.*--continue/],
  [['drain', 'a:1', '--rollback', '--dry-run'], /--rollback.*cannot be used with.*--dry-run/],
  [['drain'], /missing required argument 'server'/],
  [['roll', '--parallel', '0'], /number from 1 to 1000, got 0/],
  [['edge-config', 'nginx', '--server', '10.0.0.1:99999'], /HOST:PORT .* got 10\.0\.0\.1:99999/],
  [
    ['edge-config', 'nginx', '--server', '::1:80'],
    /such as 10\.0\.0\.1:8080 or \[::1\]:8080, got ::1:80/,
  ],
  [
    ['edge-config', 'nginx', '--server', 'a:1', '--upstream', 'a b'],
    /Expected one word, got "a b"/,
  ],
  [['edge-config', 'nginx', '--server', 'a:1', '--listen', '80; x'], /Expected one word/],
] as const)
  test(`lastcall node ${words.join(' ')} is a wrong use`, async () => {
    const { code, err } = await lastcall(['node', ...words]);
    assert.equal(code, 2);
    assert.match(err, message);
  });
