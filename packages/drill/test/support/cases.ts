// Each case of some areas is passed by the good server and failed by a mutant: none passes by asserting nothing.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Area, DrillCase } from '../../src/case.ts';
import { loadCases } from '../../src/cases/load.ts';
import { type Verdict, runCase } from '../../src/engine/run.ts';
import { mutants } from '../mutants.ts';
import { goodConfig } from './good.ts';

interface How {
  readonly mutant?: string;
  readonly overTls: boolean;
}

/** DRILL_ONLY=part leaves only the cases whose slug contains it. */
export async function testCases(...areas: Area[]): Promise<void> {
  const only = process.env['DRILL_ONLY'] ?? '';
  const cases = (await loadCases()).filter(
    ({ slug }) => areas.some((area) => slug.startsWith(`${area}/`)) && slug.includes(only),
  );
  await test(areas.join(', '), { concurrency: 3 }, async (t) => {
    await Promise.all(cases.flatMap((drillCase) => testCase(t, drillCase)));
  });
}

function testCase(t: TestContext, drillCase: DrillCase): Promise<void>[] {
  const wanted = drillCase.informational === true ? 'informational' : 'pass';
  // What is asked of HTTP/2 in cleartext is asked over TLS as well.
  const ways = drillCase.needs.includes('port:h2') ? [false, true] : [false];
  return ways.flatMap((overTls) => {
    const name = `${drillCase.slug}${overTls ? ' over TLS' : ''}`;
    const good = t.test(`${name}: the good server passes`, (run) =>
      hold(run, drillCase, wanted, { overTls }),
    );
    const bad = [mutants[drillCase.slug] ?? []]
      .flat()
      .map((mutant) =>
        t.test(`${name}: the mutant ${mutant} fails`, (run) =>
          hold(run, drillCase, 'fail', { mutant, overTls }),
        ),
      );
    return bad.concat(good);
  });
}

/** Tried again with longer times: on a busy machine the short ones are over before the attack. */
async function hold(
  run: TestContext,
  drillCase: DrillCase,
  wanted: Verdict,
  { mutant, overTls }: How,
): Promise<void> {
  const { slug } = drillCase;
  const told: string[] = [];
  for (const scale of [1, 2, 4]) {
    const config = goodConfig(slug, { mutant, scale, overTls });
    const result = await runCase(drillCase, { config, seed: scale, clients: 32 });
    const { verdict, expected, actual, output } = result;
    // A case that came to no end has not seen what the mutant breaks.
    const broke = verdict === 'fail' && expected?.startsWith('the case to ') === true;
    if (verdict === wanted && !broke) return;
    told.push(JSON.stringify({ scale, verdict, expected, actual, output }));
    if (slug === 'signals/pid-1' && verdict === 'not applicable') {
      run.skip(actual);
      return;
    }
  }
  assert.fail(`expected ${wanted}:\n${told.join('\n')}`);
}
