// A reload that also changes how many workers there are, with a version that does not start.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { NodeUnderTest, type Status } from './support/node.ts';

const live = ({ workers }: Status): number[] =>
  workers.filter(({ phase }) => phase !== 'retiring').map(({ pid }) => pid);

for (const wanted of [1, 4])
  it(`a failed reload from 3 to ${wanted} workers leaves the 3 old ones and their number`, async () => {
    const env = { LASTCALL_WORKERS: '' };
    await using node = await NodeUnderTest.start({ config: 'workers: 3\n', env });
    const before = live(await node.status());
    assert.equal(before.length, 3);
    const path = join(node.dir, 'lastcall.yaml');
    writeFileSync(path, `workers: ${wanted}\nenv:\n  APP_FAIL: throw\n`);
    await assert.rejects(node.ask('reload'), /this version does not start/);
    const status = await node.status();
    assert.deepEqual(live(status), before);
    assert.deepEqual([status.workers_wanted, status.generation], [3, 1]);
    writeFileSync(path, `workers: ${wanted}\n`);
    await node.ask('reload');
    const after = await node.status();
    assert.equal(live(after).length, wanted);
    assert.deepEqual([after.workers_wanted, after.generation], [wanted, 3]);
    assert.equal((await node.get('/')).status, 200);
  });
