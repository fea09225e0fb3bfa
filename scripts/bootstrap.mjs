// Makes a fresh clone ready, then runs one npm script under the project's own Node.
// Plain JavaScript: it must run on whatever Node the machine has.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [script, ...rest] = process.argv.slice(2);

function run(title, command, args) {
  const began = Date.now();
  process.stderr.write(`> ${title}\n`);
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write(
      `x ${title} failed: ${error?.message ?? signal ?? `exit code ${status}`}\n`,
    );
    process.exit(status ?? 1);
  }
  process.stderr.write(`  done in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
}

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

// npm writes this file at the end of each install: older than the lock file means out of date.
if (modified(`${root}node_modules/.package-lock.json`) < modified(`${root}package-lock.json`)) {
  run('installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
run('building', 'npm', ['exec', '--no', '--', 'tsc', '-b']);
if (script) {
  const options = { cwd: root, stdio: 'inherit' };
  const child = spawn('npm', ['run', '--silent', script, '--', ...rest], options);
  // The script decides when a Ctrl-C has done its work: whoever waits for it must outlive it.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}
