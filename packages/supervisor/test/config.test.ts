import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  environmentOf,
  EXIT_CODES,
  flagOf,
  loadConfig,
  nearest,
  OPTION_NAMES,
  OPTIONS,
  SIGNALS,
} from '../src/index.ts';

const GUIDE = new URL('../../../docs/guides/serve.md', import.meta.url);
const SIGNALS_PAGE = new URL('../../../docs/reference/signals.md', import.meta.url);

function load(yaml: string, flags = {}, env = {}): ReturnType<typeof loadConfig> {
  const cwd = mkdtempSync(join(tmpdir(), 'lastcall-'));
  writeFileSync(join(cwd, 'lastcall.yaml'), yaml);
  try {
    return loadConfig({ flags, env, cwd, target: { app: 'app.js' } });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

describe('options', () => {
  it('a flag wins over the environment, the environment over the file, the file over the default', () => {
    assert.equal(load('').workers, 'auto');
    assert.equal(load('workers: 2').workers, 2);
    assert.equal(load('workers: 2', {}, { LASTCALL_WORKERS: '3' }).workers, 3);
    assert.equal(load('workers: 2', { workers: '4' }, { LASTCALL_WORKERS: '3' }).workers, 4);
  });

  it('takes units', () => {
    const { startMs, maxMemoryBytes, maxAgeMs } = load(
      'startMs: 1.5s\nmaxMemoryBytes: 512mb\nmaxAgeMs: 2h\n',
    );
    assert.deepEqual([startMs, maxMemoryBytes, maxAgeMs], [1_500, 512 * 2 ** 20, 7_200_000]);
  });

  it('takes the command and the environment of the workers from the file', () => {
    const cwd = mkdtempSync(join(tmpdir(), 'lastcall-'));
    writeFileSync(
      join(cwd, 'lastcall.yaml'),
      'command: [python3, -m, uvicorn]\nenv:\n  DEBUG: 1\n',
    );
    const config = loadConfig({ flags: {}, env: {}, cwd, target: {} });
    rmSync(cwd, { recursive: true });
    assert.deepEqual(config.command, ['python3', '-m', 'uvicorn']);
    assert.deepEqual(config.env, { DEBUG: '1' });
  });

  it('names flags and variables by one rule', () => {
    assert.equal(flagOf('maxMemoryBytes'), '--max-memory-bytes');
    assert.equal(environmentOf('maxMemoryBytes'), 'LASTCALL_MAX_MEMORY_BYTES');
  });

  it('are all in the guide, with their defaults, and the guide names no other', () => {
    const [, section = ''] = readFileSync(GUIDE, 'utf8').split('\n## Options\n');
    const rows = [...section.split('\n## ')[0]!.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)];
    assert.deepEqual(new Set(rows.map(([, name]) => name)), new Set<string>(OPTION_NAMES));
    for (const [, name, shown] of rows) {
      const fallback = OPTIONS[name as keyof typeof OPTIONS].default;
      assert.equal(shown, fallback === undefined ? '' : `\`${JSON.stringify(fallback)}\``, name);
    }
  });
});

it('every error of the table is in the guide with its exit code, and the other way round', () => {
  const guide = readFileSync(GUIDE, 'utf8');
  const rows = [...guide.matchAll(/^\| `(ERR_\w+)` \| (\d) \|/gm)];
  const documented = Object.fromEntries(rows.map(([, code, exit]) => [code, Number(exit)]));
  assert.deepEqual(documented, { ...EXIT_CODES });
});

it('every option is read somewhere', () => {
  const root = new URL('../src/', import.meta.url).pathname;
  const sources = globSync('**/*.ts', { cwd: root })
    .filter((file) => !file.startsWith('config/options'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  for (const name of OPTION_NAMES)
    assert.match(
      sources,
      new RegExp(`(\\.|[{,] |')${name}\\b`),
      `${name} is declared and not read`,
    );
});

describe('signals', () => {
  it('are those of the reference page', () => {
    const page = readFileSync(SIGNALS_PAGE, 'utf8');
    const [, supervisor = ''] = page.split('## The supervisor');
    const rows = [...supervisor.split('\n## ')[0]!.matchAll(/^\| `(SIG\w+)`/gm)];
    assert.deepEqual(
      rows.map(([, signal]) => signal),
      [...SIGNALS],
    );
  });
});

describe('the nearest name', () => {
  it('is found when it is near, and not when it is not', () => {
    assert.equal(nearest('wrokers', [...OPTION_NAMES]), 'workers');
    assert.equal(nearest('startms', [...OPTION_NAMES]), 'startMs');
    assert.equal(nearest('completely', [...OPTION_NAMES]), undefined);
  });
});
