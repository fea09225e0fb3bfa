import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ConfigError, readConfig } from '../src/config.ts';
import { databaseAccount } from '../src/storage/account.ts';
import { findBinaries } from '../src/storage/binaries.ts';
import { runnable } from '../src/storage/folder.ts';
import { addTask, untilTask } from './support/client.ts';
import { startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0;
const notRoot = asRoot ? false : 'only root can try this';

describe('settings', { timeout: 280_000 }, () => {
  test('have defaults; an empty variable is unset', () => {
    const config = readConfig({ PORT: '', MODEL_UPSTREAM_URL: '' });
    assert.equal(config.PORT, 8080);
    assert.equal(config.HOST, '127.0.0.1');
    assert.equal(config.MODEL_UPSTREAM_URL, undefined);
    assert.match(config.LASTCALL_DATA_DIR, /\/\.lastcall$/);
  });

  test('every wrong one is named with what was expected and what came', () => {
    const env = {
      PORT: '99999',
      MODEL_TOKENS_PER_SECOND: 'fast',
      MODEL_UPSTREAM_URL: 'localhost:8000',
      DATABASE_URL: 'mysql://user:geheim@host/db',
    };
    assert.throws(
      () => readConfig(env),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /PORT: expected a whole number from 0 to 65535, got "99999"/);
        assert.match(error.message, /MODEL_TOKENS_PER_SECOND: expected .*, got "fast"/);
        assert.match(error.message, /MODEL_UPSTREAM_URL: expected http.*got "localhost:8000"/);
        assert.match(error.message, /DATABASE_URL: expected postgres:/);
        assert.doesNotMatch(error.message, /geheim/, 'shows a secret');
        return true;
      },
    );
  });
});

describe('npm start', { timeout: 280_000 }, () => {
  const folder = dataFolder();
  after(() => folder[Symbol.asyncDispose]());
  const env = { LASTCALL_DATA_DIR: folder.path };

  test('wrong settings end it with 2, before anything is made', async () => {
    for (const [wrong, told] of [
      [{ PORT: 'x' }, /PORT: expected/],
      [{ GRACEFUL_SHUTDOWN_TIMEOUT: 'soon' }, /GRACEFUL_SHUTDOWN_TIMEOUT.*expected/],
      [{ HOST: '192.0.2.1' }, /192\.0\.2\.1.*EADDRNOTAVAIL/],
    ] as const) {
      await using service = await startService({ ...env, ...wrong }, { boot: true });
      assert.equal(await service.ended, 2, service.output());
      assert.match(service.output(), told);
      assert.ok(!existsSync(join(folder.path, 'postgres')));
    }
  });

  test('a taken port: what, where, expected, got, what to do; exit 2', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await using service = await startService({ ...env, PORT: String(port) }, { boot: true });
    assert.equal(await service.ended, 2, service.output());
    for (const part of [`127.0.0.1:${port}`, 'expected a free address', 'EADDRINUSE', 'PORT='])
      assert.ok(service.output().includes(part), `${part} is not in: ${service.output()}`);
    assert.ok(!existsSync(join(folder.path, 'postgres')));
    other.close();
    await once(other, 'close');
  });

  test('shows its progress, answers probes meanwhile, and prints lines that work', async () => {
    await using service = await startService(env);
    assert.match(service.output(), /initialising PostgreSQL in .*postgres/);
    assert.match(service.output(), /starting PostgreSQL on 127\.0\.0\.1:\d+/);
    const commands = service.output().match(/^ {2}(?:curl|id=).*$/gm) ?? [];
    assert.equal(commands.length, 9);
    const outputs = [];
    let id = '';
    for (const command of commands) {
      const quick = command
        .replaceAll('200,', '2,')
        .replace('200}', '2}')
        .replace('curl', 'curl -sS');
      const { stdout } = await run('sh', ['-c', `${quick}; printf "\n%s" $id`], {
        env: { ...process.env, id },
      });
      id = stdout.split('\n').at(-1) ?? '';
      outputs.push(stdout);
    }
    const expected = [
      /event: response\.completed/,
      /resp_/,
      /event: response\.completed/,
      /"status":"completed"/,
      /200 OK[^]*"output_text":"[^"]/,
      /202 Accepted[^]*location: \/v1\/tasks\//i,
      /"counts"/,
      /"status":"draining"/,
      /"was_shutting_down":true/,
    ];
    for (const [index, pattern] of expected.entries()) assert.match(outputs[index] ?? '', pattern);
    const task = await addTask(service.url, { input: 'x', max_output_tokens: 3 });
    await untilTask(service.url, task.id, 'done');
    assert.equal(await service.end('SIGINT'), 0, service.output());
  });

  test('SIGTERM while PostgreSQL is being initialised ends it and leaves nothing', async () => {
    await using own = dataFolder();
    await using service = await startService({ LASTCALL_DATA_DIR: own.path }, { boot: true });
    await service.printed(/initialising/);
    assert.equal(await service.end('SIGTERM'), 0, service.output());
    assert.equal(own.postmaster(), undefined);
  });

  test('a data folder that cannot be written is told', { skip: notRoot }, async () => {
    await using own = dataFolder();
    await using service = await startService(
      { LASTCALL_DATA_DIR: join(own.path, 'x') },
      { boot: true, uid: 65_534, gid: 65_534 },
    );
    assert.equal(await service.ended, 2, service.output());
    assert.match(service.output(), /LASTCALL_DATA_DIR: .*\/x cannot be written/);
  });

  test('runs as an ordinary user', { skip: notRoot }, async () => {
    await using own = dataFolder();
    chownSync(own.path, 65_534, 65_534);
    const user = { uid: 65_534, gid: 65_534 };
    await using service = await startService({ LASTCALL_DATA_DIR: own.path }, user);
    const { id } = await addTask(service.url, { input: 'x', max_output_tokens: 3 });
    await untilTask(service.url, id, 'done');
    assert.equal(await service.end('SIGTERM'), 0, service.output());

    // The same folder under another account is not adopted.
    const other = { uid: 65_533, gid: 65_533, boot: true };
    await using second = await startService({ LASTCALL_DATA_DIR: own.path }, other);
    assert.equal(await second.ended, 2, second.output());
    assert.match(second.output(), /LASTCALL_DATA_DIR|belongs to another account/);
  });

  test('as root in a folder that PostgreSQL cannot enter', { skip: notRoot }, async () => {
    const closed = mkdtempSync(join(tmpdir(), 'lastcall-closed-'));
    await using service = await startService({ LASTCALL_DATA_DIR: closed });
    const made = /initialising PostgreSQL in (\/var\/lib\/lastcall\/postgres-\w+)/.exec(
      service.output(),
    )?.[1];
    assert.ok(made, service.output());
    assert.equal(await service.end('SIGTERM'), 0, service.output());
    rmSync(made, { recursive: true });
    rmSync(closed, { recursive: true });
  });

  test(
    'as root with programs that PostgreSQL may not run: a copy is made',
    { skip: notRoot },
    async () => {
      const closed = mkdtempSync(join(tmpdir(), 'lastcall-closed-'));
      const found = await findBinaries();
      cpSync(found.folder, join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
      // A version of the test's own, so that its copy is nobody else's.
      const version = `test-${process.pid}`;
      writeFileSync(join(closed, 'package.json'), JSON.stringify({ version }));
      const at = (name: string): string => join(closed, 'native', 'bin', name);
      const binaries = {
        folder: join(closed, 'native'),
        initdb: at('initdb'),
        postgres: at('postgres'),
      };
      const account = await databaseAccount();
      const said: string[] = [];
      const copy = await runnable(binaries, account, (line) => said.push(line));
      assert.equal(copy.folder, `/var/lib/lastcall/programs-${version}`);
      assert.equal(said.length, 1);
      const { stdout } = await run(copy.initdb, ['--version'], { ...account, cwd: '/' });
      assert.match(stdout, /PostgreSQL/);
      assert.deepEqual(await runnable(binaries, account, (line) => said.push(line)), copy);
      assert.equal(said.length, 1, 'copied twice');
      rmSync(copy.folder, { recursive: true });
      rmSync(closed, { recursive: true });
    },
  );
});
