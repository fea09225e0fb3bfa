import assert from 'node:assert/strict';
import test from 'node:test';
import { HAPROXY, missing, NGINX } from '../support/place.ts';
import { rollUnderLoad } from '../support/rolls.ts';

/** What has to be seen at the least: each of four sockets sits on a node that is stopped. */
const LEAST = {
  quick: 100,
  slow: 20,
  stream: 10,
  upload: 20,
  task: 10,
  'task stream': 5,
  question: 20,
  'closed in order': 4,
};

for (const [kind, program] of [
  ['nginx', NGINX],
  ['haproxy', HAPROXY],
] as const)
  test(
    `a roll of 3 nodes of 2 workers behind ${kind} drops nothing: requests, streams, tasks, WebSockets`,
    { skip: missing(program) },
    async (t) => {
      const { sent, failed, lost, tasks, passedOn } = await rollUnderLoad(t, kind, 1);
      t.diagnostic(JSON.stringify({ ...sent, tasks, passedOn }));
      assert.deepEqual({ failed, lost }, { failed: [], lost: [] });
      for (const [name, least] of Object.entries(LEAST))
        assert.ok((sent[name] ?? 0) >= least, `${name}: ${sent[name]}`);
      assert.ok(passedOn > 0, 'a task went on in another worker');
    },
  );
