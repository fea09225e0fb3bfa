import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Desk, EdgeError, readInventory } from '@lastcall/edge';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { Upload } from '../support/load.ts';
import { eventually, HAPROXY, inFlight, missing, NGINX } from '../support/place.ts';

const deskOf = (cluster: Cluster, lines: string[] = []): Desk =>
  new Desk(readInventory(cluster.inventory), { progress: (line) => lines.push(line) });

const code = (wanted: string, message: RegExp) => (error: unknown) =>
  error instanceof EdgeError && error.code === wanted && message.test(error.message);

const running = (pidFile: string): boolean => {
  try {
    return !/\) Z /.test(
      readFileSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}/stat`, 'utf8'),
    );
  } catch {
    return false;
  }
};

test(
  'nginx: a drain and its way back change one word of the file, and the node exits clean',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx');
    const [node] = cluster.nodes;
    const text = readFileSync(cluster.upstreamFile, 'utf8');
    const lines: string[] = [];
    await deskOf(cluster, lines).drain(node!.server);
    assert.equal(
      readFileSync(cluster.upstreamFile, 'utf8'),
      text.replace(
        `server ${node!.server} max_fails=2 fail_timeout=5s;`,
        `server ${node!.server} max_fails=2 fail_timeout=5s down;`,
      ),
    );
    assert.equal(running(node!.pidFile), false);
    assert.match(lines.join('\n'), /lost 0, exit code 0/);
    await assert.rejects(
      deskOf(cluster).drain(node!.server),
      code('ERR_EDGE_SERVER', /down already/),
    );
    await deskOf(cluster).undrain(node!.server);
    assert.equal(readFileSync(cluster.upstreamFile, 'utf8'), text);
    await assert.rejects(
      deskOf(cluster).undrain(node!.server),
      code('ERR_EDGE_SERVER', /in service already/),
    );
  },
);

test(
  'nginx: what cannot be done is refused with nothing changed',
  { skip: missing(NGINX) },
  async (t) => {
    const cluster = await startCluster(t, 'nginx');
    const [one, two] = cluster.nodes;
    const text = readFileSync(cluster.upstreamFile, 'utf8');
    const unchanged = (): void => assert.equal(readFileSync(cluster.upstreamFile, 'utf8'), text);
    const desk = deskOf(cluster);
    await assert.rejects(
      desk.drain('10.9.9.9:1'),
      code('ERR_EDGE_SERVER', /no node 10\.9\.9\.9:1/),
    );

    await t.test('the last one in service', async () => {
      writeFileSync(
        cluster.upstreamFile,
        text.replace(`${one!.server} max_fails=2`, `${one!.server} down max_fails=2`),
      );
      const before = readFileSync(cluster.upstreamFile, 'utf8');
      await assert.rejects(
        desk.drain(two!.server),
        code(
          'ERR_EDGE_LAST',
          /0 of nginx upstream app would be left that are in service and ready/,
        ),
      );
      assert.equal(readFileSync(cluster.upstreamFile, 'utf8'), before);
      assert.equal(running(two!.pidFile), true);
      writeFileSync(cluster.upstreamFile, text);
    });

    await t.test('a configuration that nginx refuses', async () => {
      const main = join(cluster.dir, 'nginx.conf');
      const good = readFileSync(main, 'utf8');
      writeFileSync(main, good.replace('access_log off;', 'access_log off; no_such_thing 1;'));
      await assert.rejects(
        desk.drain(one!.server),
        code('ERR_EDGE_PROXY', /no_such_thing.*is as it was/s),
      );
      writeFileSync(main, good);
      unchanged();
      assert.equal(running(one!.pidFile), true);
    });

    await t.test(
      'a configuration that nginx takes when it is asked, and not when it is told',
      async () => {
        // "nginx -t" does not mind an address that is taken.
        const taken = createServer();
        const port = await new Promise<number>((resolve) => {
          taken.listen(0, '127.0.0.1', () => resolve((taken.address() as AddressInfo).port));
        });
        const with2 = `${text}\nserver { listen 127.0.0.1:${port}; }\n`;
        writeFileSync(cluster.upstreamFile, with2);
        await assert.rejects(
          desk.drain(one!.server),
          code('ERR_EDGE_PROXY', /did not start new workers.*is as it was/s),
        );
        assert.equal(readFileSync(cluster.upstreamFile, 'utf8'), with2);
        assert.equal(running(one!.pidFile), true);
        assert.deepEqual(desk.journal.all(), []);
        writeFileSync(cluster.upstreamFile, text);
        await new Promise((resolve) => taken.close(resolve));
      },
    );

    await t.test('a configuration that cannot be parsed', async () => {
      const broken = `${text}\nupstream other {\n  server 10.0.0.1\n}\n`;
      writeFileSync(cluster.upstreamFile, broken);
      await assert.rejects(
        desk.drain(one!.server),
        code('ERR_EDGE_SYNTAX', /upstream\.conf:\d+:3: /),
      );
      assert.equal(readFileSync(cluster.upstreamFile, 'utf8'), broken);
      writeFileSync(cluster.upstreamFile, text);
    });

    await t.test('an upstream that is not there', async () => {
      cluster.rewrite((inventory) => {
        inventory.upstream = 'nope';
      });
      await assert.rejects(
        deskOf(cluster).drain(one!.server),
        code('ERR_EDGE_UPSTREAM', /no upstream nope\. It has: app/),
      );
      cluster.rewrite((inventory) => {
        inventory.upstream = 'app';
      });
    });

    await t.test('nginx that is not running', async () => {
      await cluster.stopProxy();
      await assert.rejects(
        desk.drain(one!.server),
        code('ERR_EDGE_PROXY', /nginx is not running.* Nothing was changed\. Start nginx/),
      );
      unchanged();
      assert.equal(running(one!.pidFile), true);
      assert.deepEqual(desk.journal.all(), []);
    });
  },
);

test(
  'a node that never exits is forced, and that is an error',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy', { env: { IGNORE_SIGTERM: '1' } });
    cluster.rewrite((inventory) => {
      inventory.grace = '300ms';
      inventory.force = '100ms';
    });
    const [node] = cluster.nodes;
    await assert.rejects(
      deskOf(cluster).drain(node!.server),
      code('ERR_EDGE_NODE', /did not end within 2\.4 s and was forced/),
    );
    assert.equal(running(node!.pidFile), false);
    const [entry] = deskOf(cluster).journal.all();
    assert.equal(entry?.state, 'failed');
  },
);

test(
  'a node that cannot be told to stop stays in service',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node] = cluster.nodes;
    cluster.rewrite((inventory) => {
      for (const entry of inventory.nodes as Record<string, unknown>[])
        entry.pidFile = 'nowhere.pid';
    });
    const desk = deskOf(cluster);
    await assert.rejects(
      desk.drain(node!.server),
      code('ERR_EDGE_MANAGER', /nowhere\.pid holds no pid/),
    );
    assert.ok((await desk.proxy.servers()).every(({ inService }) => inService));
  },
);

test('HAProxy that does not answer is told apart', { skip: missing(HAPROXY) }, async (t) => {
  const cluster = await startCluster(t, 'haproxy');
  await cluster.stopProxy();
  await assert.rejects(
    deskOf(cluster).drain('node1'),
    code('ERR_EDGE_PROXY', /does not answer on .*admin\.sock/),
  );
});

test(
  'the admin endpoint drains, then the process is stopped',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    const [node] = cluster.nodes;
    cluster.rewrite((inventory) => {
      for (const [i, entry] of (inventory.nodes as Record<string, unknown>[]).entries())
        entry.admin = `http://127.0.0.1:${cluster.nodes[i]!.port}`;
    });
    const lines: string[] = [];
    await deskOf(cluster, lines).drain(node!.server);
    assert.match(lines.join('\n'), /POST \/-\/shutdown\/drain.*then SIGTERM/);
    assert.equal(running(node!.pidFile), false);
  },
);

test(
  'a controller that dies in the middle: go on, or go back',
  { skip: missing(HAPROXY) },
  async (t) => {
    const cluster = await startCluster(t, 'haproxy');
    cluster.rewrite((inventory) => {
      inventory.settle = '60s';
    });
    const [one, two] = cluster.nodes;
    const cutOff = async (server: string): Promise<void> => {
      // Uploads that do not end keep the drain in its second step, whenever its controller is killed.
      const uploads = [0, 1, 2, 3].map(() => new Upload(cluster.url));
      for (const { port } of cluster.nodes)
        await eventually('each node has two', async () => (await inFlight(port)) === 2);
      const controller = execFile(process.execPath, [
        CLI,
        'node',
        'drain',
        server,
        '--nodes',
        cluster.inventory,
      ]);
      await new Promise<void>((resolve) => {
        controller.stdout!.on('data', (text: string) => {
          if (text.includes('[2/5]')) controller.kill('SIGKILL');
        });
        controller.once('exit', () => resolve());
      });
      for (const upload of uploads) assert.equal(await upload.finish(), '8');
    };
    await cutOff(one!.server);
    await assert.rejects(
      deskOf(cluster).drain(one!.server),
      code('ERR_EDGE_JOURNAL', /--continue.*--rollback/),
    );
    await deskOf(cluster).drain(one!.server, true);
    assert.equal(running(one!.pidFile), false);
    await deskOf(cluster).undrain(one!.server);

    await cutOff(two!.server);
    await deskOf(cluster).rollback(two!.server);
    assert.equal(running(two!.pidFile), true);
    const desk = deskOf(cluster);
    assert.ok((await desk.proxy.servers()).every(({ inService }) => inService));
    assert.deepEqual(desk.journal.all(), []);
    await assert.rejects(
      desk.rollback(two!.server),
      code('ERR_EDGE_JOURNAL', /nothing to roll back/),
    );
  },
);

const CLI = fileURLToPath(new URL('../../../cli/bin/lastcall.js', import.meta.url));
