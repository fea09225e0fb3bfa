import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
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
    upstreamServers(ODD, 'odd.conf', 'app').map(({ address, down, backup }) => [
      address,
      down,
      backup,
    ]),
    [
      ['10.0.0.1:80', false, false],
      ['10.0.0.2:80', true, false],
      ['unix:/run/app.sock', false, true],
      ['10.0.0.4', false, false],
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
