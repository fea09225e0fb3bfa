import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { loadConfig } from '../src/index.ts';
import { NodeUnderTest, type Reply, request } from './support/node.ts';

const CONFIG = 'admin: 127.0.0.1:0\npidFile: pid\n';

const adminPort = ({ output }: NodeUnderTest): number =>
  Number(/admin listener on [^ ]*:(\d+)/.exec(output)?.[1]);

const askAdmin = (port: number, path: string): Promise<Reply> =>
  request({ host: '127.0.0.1', port, path, agent: false });

/** The supervisor that was there first serves, and can be reached in every way. */
async function isAsBefore(node: NodeUnderTest, admin: number): Promise<void> {
  const { pid, last_upgrade: last } = await node.status();
  assert.equal(pid, node.child.pid);
  assert.equal(last?.ok, false);
  assert.equal((await node.get('/')).status, 200);
  assert.equal((await askAdmin(admin, '/ready')).status, 200);
  assert.equal(Number(readFileSync(join(node.dir, 'pid'), 'utf8')), pid);
  assert.equal(node.child.exitCode, null);
}

it('a successor whose admin address is taken by another process changes nothing', async () => {
  await using node = await NodeUnderTest.start({ config: CONFIG });
  await node.line(/admin listener/);
  const admin = adminPort(node);
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const file = join(node.dir, 'lastcall.yaml');
  writeFileSync(file, `admin: 127.0.0.1:${port}\npidFile: pid\n`);
  await assert.rejects(node.ask('upgrade'), /admin: cannot listen on .*EADDRINUSE/);
  other.close();
  await isAsBefore(node, admin);
  // What has been opened anew can be handed over again.
  writeFileSync(file, CONFIG);
  await node.ask('upgrade');
  assert.equal(await node.exited, 0);
  assert.notEqual((await node.status()).pid, node.child.pid);
  await node.ask('stop');
});

it('a successor that cannot write its pid file leaves control socket and admin listener in use', async () => {
  await using node = await NodeUnderTest.start({ config: CONFIG });
  await node.line(/admin listener/);
  const admin = adminPort(node);
  writeFileSync(join(node.dir, 'lastcall.yaml'), 'admin: 127.0.0.1:0\npidFile: lastcall.yaml/x\n');
  await assert.rejects(node.ask('upgrade'), /pidFile: cannot write/);
  await isAsBefore(node, admin);
  await node.ask('stop');
  assert.equal(await node.exited, 0);
  assert.ok(!existsSync(node.control));
  assert.ok(!existsSync(join(node.dir, 'pid')));
});

it('a successor that fails does not take the name of a unix socket with it', async () => {
  const args = ['--listen', 'unix:app.sock,127.0.0.1:0', '--workers', '1'];
  await using node = await NodeUnderTest.start({ args, env: { PORT: '', APP_UNIX: 'app.sock' } });
  writeFileSync(join(node.dir, 'lastcall.yaml'), 'pidFile: lastcall.yaml/x\n');
  await assert.rejects(node.ask('upgrade'), /pidFile: cannot write/);
  const reply = await request({ socketPath: join(node.dir, 'app.sock'), path: '/', agent: false });
  assert.equal(reply.status, 200);
  await node.ask('stop');
});

it('an admin address that is none is refused as the configuration is read', async () => {
  const sources = { env: {}, cwd: '/nowhere', target: { app: 'app.js' } };
  for (const admin of ['9o90', 'localhost:', 'example.org:80', '127.0.0.1:70000'])
    assert.throws(
      () => loadConfig({ ...sources, flags: { admin } }),
      /--admin: expected HOST:PORT/,
    );
  for (const admin of ['9099', ':9099', '127.0.0.1:0', '[::1]:9099', 'unix:admin.sock'])
    assert.equal(loadConfig({ ...sources, flags: { admin } }).admin, admin);
});
