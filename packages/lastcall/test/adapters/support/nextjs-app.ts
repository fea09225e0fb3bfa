// Builds a Next.js application with the works of the suite, as the guide tells its readers to.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fixture } from '../../support/fixture.ts';

const run = promisify(execFile);
const LIBRARY = fileURLToPath(new URL('../', import.meta.resolve('lastcall')));
const GUIDE = join(LIBRARY, '../../docs/guides/nextjs.md');
const PACKAGES = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'];

/** A new temporary folder for an application, and where its standalone server will be. */
export function newNextApp(): { folder: string; standalone: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lastcall-next-'));
  return { folder, standalone: join(folder, '.next/standalone') };
}

/** Installs Next.js and the packed library, and builds. Takes about half a minute. */
export async function buildNextApp(folder: string): Promise<void> {
  const [entry = '', config = ''] = guideBlocks();
  // The suite wants to see its states.
  const lifecycle = 'const lifecycle = createLifecycle();';
  assert.ok(entry.includes(lifecycle), 'the entry of the guide makes its lifecycle');
  put(folder, 'lastcall-server.mjs', entry.replace(lifecycle, `export ${lifecycle}`));
  put(folder, 'next.config.mjs', config);
  put(folder, 'package.json', '{"private":true,"type":"module"}');
  put(folder, 'app/[[...work]]/route.js', plain('../adapters/fixtures/nextjs-route.ts'));
  put(folder, 'suite/host.js', plain('../suite/host.ts'));
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const env = { ...process.env, PATH: path, NEXT_TELEMETRY_DISABLED: '1' };
  const options = { cwd: folder, env };
  const { stdout } = await run('npm', ['pack', '--silent', LIBRARY], options);
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await run('npm', ['install', ...quiet, `./${stdout.trim()}`, ...PACKAGES], options);
  await run(process.execPath, ['node_modules/next/dist/bin/next', 'build'], options);
}

const guideBlocks = (): string[] =>
  [...readFileSync(GUIDE, 'utf8').matchAll(/```js\n([^]*?)```/g)].map(([, code = '']) => code);

/** A file of the tests as JavaScript, which is what it is already where the tests were compiled. */
function plain(file: string): string {
  const path = fixture(file);
  const code = readFileSync(path, 'utf8');
  const script = path.endsWith('.ts') ? stripTypeScriptTypes(code) : code;
  return script.replaceAll(/(from '[^']+)\.ts'/g, "$1.js'");
}

function put(folder: string, file: string, text: string): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
