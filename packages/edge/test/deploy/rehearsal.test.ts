import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { readPodPlan, rehearse } from '@lastcall/edge';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

test('the Deployment of deploy/k8s drops nothing behind proxies that know a deleted pod for 4 s', async () => {
  const file = path('../../../../deploy/k8s/prestop-readiness-lifecycle.yaml');
  const plan = readPodPlan(file, [process.execPath, path('../fixtures/service.ts')]);
  const { failures, causes, sent } = await rehearse(
    { ...plan, replicas: 2 },
    { paths: ['/', '/stream?ms=1500'], removalMs: 3_500, jitterMs: 500 },
  );
  assert.deepEqual(
    { causes, failures: failures.map(({ told, cause }) => `${cause} ${told}`) },
    { causes: [], failures: [] },
  );
  assert.ok(sent > 100);
});
