import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Distribution } from '@lastcall/planner';

/** A file that is gone after the test. */
export function file(t: TestContext, name: string, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-planner-'));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

/** Exponential durations with the given mean, without chance. */
export function exponential(meanMs: number, count = 10_000): Distribution {
  const durations = new Distribution();
  for (let i = 0; i < count; i += 1) durations.add(-meanMs * Math.log(1 - (i + 0.5) / count));
  return durations;
}

export const near = (got: number, wanted: number, share: number): boolean =>
  Math.abs(got - wanted) <= wanted * share;
