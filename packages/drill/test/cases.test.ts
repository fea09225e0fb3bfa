// Each case is passed by the good server and failed by a mutant: none passes by asserting nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCases } from '../src/cases/load.ts';
import { runCase } from '../src/engine/run.ts';
import { mutants } from './mutants.ts';
import { goodConfig } from './support/good.ts';

const only = process.env['DRILL_ONLY'];
const cases = (await loadCases()).filter((one) => only === undefined || one.slug.includes(only));

test('every judging case has a mutant, and every mutant a case', () => {
  const judging = cases.filter((one) => one.informational !== true).map((one) => one.slug);
  const known = Object.keys(mutants).filter((slug) => only === undefined || slug.includes(only));
  assert.deepEqual(judging.toSorted(), known.toSorted());
});

test('cases', { concurrency: 3 }, async (t) => {
  await Promise.all(
    cases.flatMap((drillCase) => {
      const { slug } = drillCase;
      const options = { seed: 1, clients: 32 };
      const good = t.test(`${slug}: the good server passes`, async (run) => {
        const result = await runCase(drillCase, { ...options, config: goodConfig(slug) });
        if (result.verdict === 'not applicable') {
          run.skip(result.actual ?? '');
          return;
        }
        const wanted = drillCase.informational === true ? 'informational' : 'pass';
        assert.equal(result.verdict, wanted, JSON.stringify({ ...result, timeline: undefined }));
      });
      const mutant = mutants[slug];
      if (mutant === undefined) return [good];
      const bad = t.test(`${slug}: the mutant ${mutant} fails`, async (run) => {
        const result = await runCase(drillCase, { ...options, config: goodConfig(slug, mutant) });
        if (slug === 'signals/pid-1' && result.verdict === 'not applicable') {
          {
            run.skip(result.actual ?? '');
            return;
          }
        }
        assert.equal(result.verdict, 'fail', JSON.stringify({ ...result, timeline: undefined }));
      });
      return [good, bad];
    }),
  );
});
