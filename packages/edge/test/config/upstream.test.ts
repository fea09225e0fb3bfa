import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { EdgeError } from '../../src/errors.ts';
import { replaceFile } from '../../src/config/replace-file.ts';
import { readBytes } from '../../src/read-text.ts';
// The editing of a file is below the package's interface; it is tried here on odd texts.
import { markServer, upstreamServers } from '../../src/config/upstream.ts';
import { folder, missing, NGINX } from '../support/place.ts';

const ODD = `# upstream app { server 1.2.3.4; }
map $uri $x { "~^/a{2}$" 1; "quoted; } {" 2; a}b 3; }
upstream "app" { # servers
\tserver\t10.0.0.1:80   weight=2 ; # the old one
  server 10.0.0.2:80 # a comment before the end
    max_fails=1
    down
  ;
  server unix:/run/app.sock backup; server 10.0.0.4;
}
server { listen 127.0.0.1:1; location ~ "^/x{1,2}" { set $a "\${uri}x"; } }
`;

const find = (text: string, address: string) =>
  upstreamServers(text, 'odd.conf', 'app').find((server) => server.address === address)!;

test('the odd text is one that nginx takes', { skip: missing(NGINX) }, (t) => {
  const dir = folder(t);
  const file = join(dir, 'nginx.conf');
  writeFileSync(file, `pid ${dir}/pid;\nevents {}\nhttp {\naccess_log off;\n${ODD}}\n`);
  execFileSync(NGINX, ['-t', '-q', '-e', `${dir}/error.log`, '-c', file], { stdio: 'pipe' });
});

test('servers are read as nginx reads them', () => {
  assert.deepEqual(
    upstreamServers(ODD, 'odd.conf', 'app').map(({ address, down }) => [address, down]),
    [
      ['10.0.0.1:80', false],
      ['10.0.0.2:80', true],
      ['unix:/run/app.sock', false],
      ['10.0.0.4', false],
    ],
  );
});

test('marking down and up again gives back the same bytes, and touches nothing else', () => {
  for (const { address, down } of upstreamServers(ODD, 'odd.conf', 'app')) {
    const once = markServer(ODD, find(ODD, address), !down);
    assert.equal(find(once, address).down, !down);
    assert.equal(markServer(once, find(once, address), !down), once);
    if (!down) assert.equal(markServer(once, find(once, address), down), ODD);
    const others = (text: string) =>
      upstreamServers(text, 'odd.conf', 'app')
        .filter((server) => server.address !== address)
        .map((server) => [server.address, server.down]);
    assert.deepEqual(others(once), others(ODD));
    assert.ok(Math.abs(once.length - ODD.length) <= 10);
  }
});

const mark = (text: string, address: string, down: boolean): string =>
  markServer(
    text,
    upstreamServers(text, 'f.conf', 'app').find((s) => s.address === address)!,
    down,
  );

test('an address that is named twice is marked in each of its lines', () => {
  const twice = 'upstream app {\n  server a:1 weight=3;\n  server b:1;\n  server a:1 down;\n}\n';
  assert.equal(find(twice, 'a:1').down, false);
  const down = twice.replace('weight=3;', 'weight=3 down;');
  assert.equal(mark(twice, 'a:1', true), down);
  assert.equal(mark(down, 'a:1', false), twice.replace(' down', ''));
});

for (const [name, before, after] of [
  ['a comment before the word', 'server a:1 # why\n    down;', 'server a:1 # why\n;'],
  ['a comment after it', 'server a:1 down # why\n;', 'server a:1 # why\n;'],
  ['the word twice', 'server a:1 down weight=2 down;', 'server a:1 weight=2;'],
  [
    'ends of lines of Windows',
    'server\r\n  a:1\r\n  down\r\n  ;\r\n',
    'server\r\n  a:1\r\n  ;\r\n',
  ],
  ['the word in quotes', 'server "a:1" \'down\';', 'server "a:1";'],
  [
    'no newline between the servers',
    'server b:1 down;server a:1 down;',
    'server b:1 down;server a:1;',
  ],
] as const)
  test(`marking up keeps all else: ${name}`, () => {
    const wrap = (lines: string): string => `upstream app {\n${lines}\n}\n`;
    assert.equal(mark(wrap(before), 'a:1', false), wrap(after));
    assert.equal(find(wrap(after), 'a:1').down, false);
  });

test('IPv6 addresses, Unix sockets and a server named down are told apart', () => {
  const text = 'upstream app { server [::1]:80; server unix:/run/down; server down; }';
  for (const address of ['[::1]:80', 'unix:/run/down', 'down'])
    assert.equal(
      mark(text, address, true),
      text.replace(`server ${address};`, `server ${address} down;`),
    );
});

for (const [name, text, message] of [
  [
    'its servers in another file',
    'upstream app { include app.servers; server a:1; }',
    /app\.servers.*missed/,
  ],
  [
    'itself in another file',
    'include conf.d/*.conf;',
    /no upstream app.*\(conf\.d\/\*\.conf\).*nginx\.upstreamFile/,
  ],
  [
    'its name twice',
    'http { upstream app { server a:1; } } stream { upstream app { server b:1; } }',
    /2 upstreams app/,
  ],
] as const)
  test(`an upstream with ${name} is refused`, () => {
    assert.throws(
      () => upstreamServers(text, 'f.conf', 'app'),
      (error) => {
        assert.ok(error instanceof EdgeError);
        assert.equal(error.code, 'ERR_EDGE_UPSTREAM');
        assert.match(error.message, message);
        return true;
      },
    );
  });

test('a file that is not UTF-8 keeps every byte, and no draft is left beside it', (t) => {
  const dir = folder(t);
  const file = join(dir, 'app.conf');
  const bytes = Buffer.from('upstream app { server a:1; } # f\xfcr M\xfcller\n', 'latin1');
  writeFileSync(file, bytes);
  const before = readBytes(file);
  replaceFile(file, { ...before, text: mark(before.text, 'a:1', true) });
  assert.equal(readFileSync(file, 'latin1'), bytes.toString('latin1').replace('a:1', 'a:1 down'));
  assert.deepEqual(readdirSync(dir), ['app.conf']);
});

test('a file that cannot be written is told, and stays', () => {
  assert.throws(
    () => replaceFile('/proc/sys/kernel/ostype', { text: 'x', encoding: 'utf8' }),
    (error) => error instanceof EdgeError && /cannot be written.*as it was/.test(error.message),
  );
});
