// HAProxy as it may be found: sections and servers that share names, states set at run time, an end in the middle.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
// The driver is below the package's interface.
import { Haproxy } from '../../src/proxy/haproxy.ts';
import { eventually, folder, HAPROXY, missing } from '../support/place.ts';
import { freePort } from '../../../../scripts/ports.ts';

const config = (socket: string, port: number): string => `global
  stats socket ${socket} mode 600 level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend app
  bind 127.0.0.1:${port}
  default_backend app
backend app
  server a 127.0.0.1:1
  server off 127.0.0.1:2 disabled
  server none 127.0.0.1:3 weight 0
  server spare 127.0.0.1:4 backup
  server v6 [::1]:5
  server-template slot 1-2 127.0.0.1:6 disabled
backend app2
  server a 127.0.0.1:7
`;

function ask(socket: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const client = net.connect(socket);
    client.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    client.once('end', () => resolve(text)).once('error', reject);
    client.end(`${command}\n`);
  });
}

test(
  'servers and backends that share names, disabled ones, those without weight, and IPv6',
  { skip: missing(HAPROXY) },
  async (t) => {
    const dir = folder(t);
    const socket = join(dir, 'admin.sock');
    const port = await freePort();
    const file = join(dir, 'haproxy.cfg');
    writeFileSync(file, config(socket, port));
    const program = spawn(HAPROXY, ['-db', '-q', '-f', file], { stdio: 'ignore' });
    const exit = once(program, 'exit');
    t.after(async () => {
      program.kill('SIGKILL');
      await exit;
    });
    const proxy = new Haproxy('app', socket);
    // The socket is there a moment before anybody listens on it.
    await eventually('HAProxy', () =>
      proxy.servers().then(
        () => true,
        () => false,
      ),
    );
    const states = async (): Promise<Record<string, string>> =>
      Object.fromEntries(
        (await proxy.servers()).map(({ server, inService, takenOut }) => [
          server,
          inService ? 'in service' : takenOut ? 'out' : 'neither',
        ]),
      );
    const before = {
      a: 'in service',
      off: 'out',
      none: 'neither',
      spare: 'in service',
      v6: 'in service',
      slot1: 'out',
      slot2: 'out',
    };
    assert.deepEqual(await states(), before);
    await proxy.takeOut('a');
    await proxy.takeOut('v6');
    await proxy.putBack('slot1');
    assert.deepEqual(await states(), { ...before, a: 'out', v6: 'out', slot1: 'in service' });
    assert.ok((await new Haproxy('app2', socket).servers()).every(({ inService }) => inService));
    await ask(socket, 'set server app/v6 state ready');
    await ask(socket, 'set server app/spare state maint');
    assert.deepEqual(await states(), { ...before, a: 'out', slot1: 'in service', spare: 'out' });
    await proxy.putBack('a');
    await proxy.putBack('a');
    assert.equal((await states()).a, 'in service');
    await assert.rejects(proxy.takeOut('b'), { code: 'ERR_EDGE_SERVER', message: /no server b/ });
    await assert.rejects(new Haproxy('nope', socket).servers(), { code: 'ERR_EDGE_UPSTREAM' });
    assert.equal(await proxy.settle('a', 1_000), true);
  },
);

test('a connection that ends without an answer is no success', async (t) => {
  const socket = join(folder(t), 'admin.sock');
  const answers: Record<string, string> = {
    'show stat': '# pxname,svname,status,weight,scur,qcur\napp,a,UP,1,0,0\n',
    'show servers state app':
      '1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n1 app 1 a 127.0.0.1 2 0\n',
  };
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    client.once('data', (line) => client.end(answers[line.toString().trim()] ?? ''));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  await assert.rejects(new Haproxy('app', socket).takeOut('a'), {
    code: 'ERR_EDGE_PROXY',
    message: /did not set app\/a to drain/,
  });
});
