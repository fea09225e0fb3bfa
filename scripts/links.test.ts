import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/*/*.md', 'apps/*/*.md'], { cwd: root });
const read = (path: string): string => readFileSync(path, 'utf8');

/** The names that a page can be entered by: its headings as GitHub names them, and its own anchors. */
function anchors(page: string): Set<string> {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  const own = [...page.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id);
  return new Set([...headings, ...own]);
}

test('every link from a page to a file, a picture or a heading leads somewhere', () => {
  const dead: string[] = [];
  for (const page of pages)
    for (const [, link = ''] of read(root + page)
      .replaceAll(/^```[^]*?^```/gm, '')
      .matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? root + page : resolve(join(root, dirname(page)), path);
      const there =
        existsSync(target) && (anchor === undefined || anchors(read(target)).has(anchor));
      if (!there) dead.push(`${page}: ${link}`);
    }
  assert.deepEqual(dead, []);
});

test('every page is linked from another one', () => {
  const linked = new Set(
    pages.flatMap((page) =>
      [...read(root + page).matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, path = '']) =>
        resolve(join(root, dirname(page)), path),
      ),
    ),
  );
  const lonely = pages.filter((page) => page !== 'README.md' && !linked.has(join(root, page)));
  assert.deepEqual(lonely, []);
});

test('every npm script that a page names exists', () => {
  const { scripts } = JSON.parse(read(`${root}package.json`)) as {
    scripts: Record<string, string>;
  };
  // The rules about manifests speak of other people's scripts.
  for (const page of pages.filter((path) => !path.includes('pod-check/')))
    for (const [, name = ''] of read(root + page).matchAll(/npm run ([\w:]+)/g))
      assert.ok(scripts[name], `${page}: npm run ${name}`);
});
