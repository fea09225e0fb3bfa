// Runs the tests of every package with node:test and ends with one plain line: `N passed, N failed`.
// Usage: npm test [-- PATH_PART...]   runs only the files whose path contains one of the parts.
import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const root = new URL('..', import.meta.url).pathname;
const parts = process.argv.slice(2);
const files = globSync(
  ['{packages,apps}/*/test/**/*.test.ts', '{scripts,bench,examples}/**/*.test.ts'],
  { cwd: root },
)
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .sort()
  .map((file) => `${root}${file}`);

// The tests start some thousand processes of Node: what was compiled for one is there for the next.
process.env.NODE_COMPILE_CACHE ??= `${root}.cache/compile`;

const tally = { passed: 0, failed: 0 };
const skipped: string[] = [];
const strict = process.env.CI === 'true';

// Two files at a time: much of a test is waiting, and none may depend on how fast the machine is.
const stream = run({ files, concurrency: 2, cwd: root, timeout: 300_000 });
stream.on('test:pass', (event) => {
  if (event.skip !== undefined)
    skipped.push(`${event.name}: ${event.skip === true ? 'no reason given' : event.skip}`);
  else if (event.details.type !== 'suite') tally.passed += 1;
});
stream.on('test:fail', (event) => {
  if (event.details.type !== 'suite') tally.failed += 1;
  process.exitCode = 1;
  if (event.file) process.stderr.write(`x ${relative(root, event.file)}: ${event.name}\n`);
});
stream.compose(new spec()).pipe(process.stdout);
stream.on('end', () => {
  process.on('exit', () => {
    for (const line of skipped) console.log(`skipped: ${line}`);
    if (strict && skipped.length > 0) {
      console.log('A skipped test is a failure where CI=true.');
      tally.failed += skipped.length;
      process.exitCode = 1;
    }
    if (tally.passed === 0) process.exitCode = 1;
    console.log(`${tally.passed} passed, ${tally.failed} failed`);
  });
});
