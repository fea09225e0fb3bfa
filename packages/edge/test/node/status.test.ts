import assert from 'node:assert/strict';
import test from 'node:test';
import { startCluster } from '../support/cluster.ts';
import { lastcall } from '../support/command.ts';
import { missing, NGINX } from '../support/place.ts';

test(
  'status tells of nodes that the upstream has not, and of an nginx that does not run',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx');
    const status = (...words: string[]) =>
      lastcall(['node', 'status', ...words, '--nodes', cluster.inventory]);
    const sound = await status();
    assert.equal(sound.err, '');
    assert.equal(sound.out.match(/ {2}in service {2}ready\n/g)?.length, 2);
    cluster.rewrite((inventory) => {
      (inventory.nodes as object[]).push({ server: '127.0.0.1:1', pid: 1 });
    });
    assert.equal(
      (await status()).err,
      'lastcall: 127.0.0.1:1 is a node, but nginx upstream app has it not.\n',
    );
    await cluster.stopProxy();
    const stopped = await status('--json');
    assert.equal(stopped.code, 0);
    assert.match(
      stopped.err,
      /^lastcall: nginx is not running: .* What is shown is what its file says\.$/m,
    );
    const rows = JSON.parse(stopped.out) as { inService: boolean; ready: boolean }[];
    assert.deepEqual(
      rows.map(({ inService, ready }) => [inService, ready]),
      [
        [true, true],
        [true, true],
      ],
    );
  },
);
