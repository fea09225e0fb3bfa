import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { checkFiles, haproxyConfig, nginxConfig } from '@lastcall/edge';
import { folder, HAPROXY, missing, NGINX } from '../support/place.ts';

const OPTIONS = {
  upstream: 'app',
  servers: ['127.0.0.1:8081', '127.0.0.1:8082', '[::1]:8083'],
  listen: '8080',
};

test(
  'nginx takes the written configuration, and pod check finds nothing in it',
  { skip: missing(NGINX) },
  (t) => {
    const dir = folder(t);
    const file = join(dir, 'app.conf');
    writeFileSync(file, nginxConfig(OPTIONS));
    writeFileSync(
      join(dir, 'nginx.conf'),
      `pid ${dir}/pid;\nevents {}\nhttp { access_log off; include ${file}; }\n`,
    );
    execFileSync(NGINX, ['-t', '-q', '-e', `${dir}/error.log`, '-c', join(dir, 'nginx.conf')], {
      stdio: 'pipe',
    });
    assert.deepEqual(checkFiles([file]), []);
  },
);

test(
  'HAProxy takes the written configuration, and pod check finds nothing in it',
  { skip: missing(HAPROXY) },
  (t) => {
    const dir = folder(t);
    const file = join(dir, 'haproxy.cfg');
    mkdirSync(join(dir, 'run'));
    writeFileSync(file, haproxyConfig(OPTIONS, join(dir, 'run/admin.sock')));
    execFileSync(HAPROXY, ['-c', '-q', '-f', file], { stdio: 'pipe' });
    assert.deepEqual(checkFiles([file]), []);
  },
);
