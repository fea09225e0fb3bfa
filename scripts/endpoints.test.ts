// The pages about endpoints and metrics, held against a real node.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NodeUnderTest } from '../packages/supervisor/test/support/node.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** The rows of all tables of a page that begin with a word in code. */
const rows = (page: string): string[][] =>
  [...page.matchAll(/^\| `[^]*? \|$/gm)].map(([row]) => row.split('|').map((cell) => cell.trim()));

test('the page of endpoints names every route, with its methods and who may call it', async () => {
  const page = rows(read('docs/reference/endpoints.md')).map(([, call = '', who = '']) => {
    const [, methods = '', path = ''] = /^`([A-Z, ]+) (\/\S*)`$/.exec(call) ?? [];
    return { path, who, methods: methods.replace(/^GET$/, 'GET, HEAD') };
  });
  const source = read('packages/lastcall/src/endpoints/endpoints.ts');
  const routes = [...source.matchAll(/\['(\/[^']+)', \{|set\('(\/[^']+)'/g)];
  const paths = routes.map(([, listed, set]) => listed ?? set ?? '');
  assert.deepEqual(page.map(({ path }) => path).sort(), paths.sort());

  await using node = await NodeUnderTest.start({ env: { LASTCALL_WORKERS: '1' } });
  for (const { path, who, methods } of page) {
    const url = `http://127.0.0.1:${node.port}${path}`;
    const wrong = await fetch(url, { method: 'DELETE' });
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, methods], path);
    // Through a proxy nobody is an operator by the address alone.
    const method = methods.split(',')[0] ?? '';
    const foreign = await fetch(url, { method, headers: { 'x-forwarded-for': '192.0.2.1' } });
    assert.equal(foreign.status, who === 'operator' ? 403 : 200, path);
  }
});

test('the page of metrics names every metric of a node, as the node describes it', async () => {
  await using node = await NodeUnderTest.start({ env: { LASTCALL_WORKERS: '1' } });
  await node.get('/');
  const text = await (await fetch(`http://127.0.0.1:${node.port}/metrics`)).text();
  const told = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(
    ([, name = '', help = '', type = '']) => `${name}, ${type}: ${help}`,
  );
  const page = rows(read('docs/reference/metrics.md')).filter((row) => row.length === 6);
  const written = page
    .map(([, name = '', type, , help]) => `${name.replaceAll('`', '')}, ${type}: ${help}`)
    .filter((row) => !row.startsWith('lastcall_edge_'));
  assert.deepEqual(written.sort(), told.sort());

  const labels = new Map(page.map(([, name = '', , given = '']) => [name, given]));
  for (const [, name = '', pairs = ''] of text.matchAll(/^(\w+)\{(.*)\} /gm))
    for (const [, label = ''] of pairs.matchAll(/(\w+)="/g)) {
      const metric = name.replace(/_bucket$|_sum$|_count$/, '');
      const cell = labels.get(`\`${name}\``) ?? labels.get(`\`${metric}\``) ?? '';
      assert.ok(label === 'le' || cell.includes(`\`${label}\``), `${name}: ${label}`);
    }

  // A series that begins at its first event hides that event from increase().
  for (const metric of ['lastcall_worker_restarts_total', 'lastcall_reloads_total']) {
    const [, list = ''] =
      new RegExp(`s of \`${metric}\`: (.*?)\\.`).exec(read('docs/reference/metrics.md')) ?? [];
    const named = [...list.matchAll(/`(\w+)`/g)].map(([, value]) => value);
    const zeros = [...text.matchAll(new RegExp(`^${metric}{\\w+="(\\w+)"} 0$`, 'gm'))];
    assert.deepEqual(new Set(zeros.map(([, value]) => value)), new Set(named));
  }
});
