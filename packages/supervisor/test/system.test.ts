import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { send } from '../src/index.ts';
import { lastcall } from './support/command.ts';
import { APP, CLI, NODE, NodeUnderTest, request } from './support/node.ts';
import { isAlive, poll } from './support/poll.ts';

it('goes on as a daemon once ready, with pid file and log, and ends without leaving either in use', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'lastcall-'));
  const ran = await lastcall(['serve', '--daemon', '--workers', '1', APP], { cwd });
  assert.match(ran.stdout, /serving in the background \(pid (\d+)\)/);
  assert.equal(ran.code, 0);
  // Another one in the same folder, with a control socket of its own, has its own pid file and log.
  const control = ['--control', 'other/control.sock'];
  const other = await lastcall(['serve', '--daemon', '--workers', '1', ...control, APP], { cwd });
  assert.equal(other.code, 0, other.stderr);
  assert.ok(existsSync(join(cwd, 'other/lastcall.pid')));
  assert.match(readFileSync(join(cwd, 'other/lastcall.log'), 'utf8'), /w1 is ready/);
  assert.equal((await lastcall(['stop', ...control], { cwd })).code, 0);
  const pid = Number(readFileSync(join(cwd, '.lastcall/lastcall.pid'), 'utf8'));
  assert.ok(isAlive(pid));
  const stopped = await lastcall(['stop'], { cwd });
  assert.match(stopped.stdout, /stopped \(exit code 0\)/);
  await poll(async () => !isAlive(pid));
  assert.ok(!existsSync(join(cwd, '.lastcall/lastcall.pid')));
  assert.match(
    readFileSync(join(cwd, '.lastcall/lastcall.log'), 'utf8'),
    /has stopped: lastcall stop/,
  );
  rmSync(cwd, { recursive: true });
});

it('a daemon that cannot boot says so where it was started, with its exit code', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'lastcall-'));
  const ran = await lastcall(['serve', '--daemon', APP], { cwd, env: { APP_FAIL: 'throw' } });
  assert.match(ran.stderr, /daemon did not start \(exit code 5\): .*this version does not start/);
  assert.equal(ran.code, 5);
  rmSync(cwd, { recursive: true });
});

it('the control socket is for its owner alone', async () => {
  await using node = await NodeUnderTest.start();
  assert.equal(statSync(node.control).mode & 0o777, 0o600);
});

it('USR1 opens the log file anew after it has been moved', async () => {
  await using node = new NodeUnderTest({ args: ['--log-file', 'log'] });
  const log = (name: string): string => {
    try {
      return readFileSync(join(node.dir, name), 'utf8');
    } catch {
      return '';
    }
  };
  await poll(async () => log('log').includes('] ready: '));
  renameSync(join(node.dir, 'log'), join(node.dir, 'log.1'));
  node.signal('SIGUSR1');
  await poll(async () => log('log').includes('log reopened'));
  await node.ask('stop');
  await node.exited;
  assert.match(log('log'), /has stopped/);
  assert.doesNotMatch(log('log.1'), /has stopped/);
  for (const [, pid] of log('log.1').matchAll(/started \(pid (\d+)/g))
    assert.ok(!isAlive(Number(pid)));
});

it('goes on when the disk for the log is full, and says what was lost', async () => {
  await using node = new NodeUnderTest({ args: ['--log-file', '/dev/full'] });
  await poll(async () => (await node.status().catch(() => undefined))?.state === 'ready');
  const status = (await node.status()) as unknown as { log_lines_lost: number };
  assert.ok(status.log_lines_lost > 0);
  await node.ask('stop');
  assert.equal(await node.exited, 0);
});

it('serves on unix sockets and several addresses at once', async () => {
  const args = ['--listen', 'unix:app.sock,127.0.0.1:0', '--workers', '1'];
  await using node = await NodeUnderTest.start({ args, env: { PORT: '', APP_UNIX: 'app.sock' } });
  const reply = await request({ socketPath: join(node.dir, 'app.sock'), path: '/', agent: false });
  assert.equal(reply.status, 200);
  await node.ask('reload');
  assert.equal(
    (await request({ socketPath: join(node.dir, 'app.sock'), path: '/', agent: false })).status,
    200,
  );
  await node.ask('stop');
  assert.ok(!existsSync(join(node.dir, 'app.sock')), 'the name goes with the node');
});

it('shows its log to `lastcall logs`', async () => {
  await using node = await NodeUnderTest.start();
  await node.get('/print?text=seen-by-logs');
  await node.line(/seen-by-logs/);
  const lines: string[] = [];
  await send(node.control, { verb: 'logs', args: { lines: 50 } }, (line) => lines.push(line));
  assert.ok(lines.some((line) => /^\[w\d\] seen-by-logs\n$/.test(line)));
});

const NOTIFY =
  'import os,socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint("bound",flush=True)\nwhile True:\n  print(s.recv(4096).decode(),flush=True)';

it('tells systemd that it is ready, and asks for time while it stops', async (t) => {
  if (spawnSync('systemd-notify', ['--version']).error) {
    t.skip('no systemd-notify');
    return;
  }
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-'));
  const path = join(dir, 'notify');
  const systemd = spawn('python3', ['-c', NOTIFY, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  systemd.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await poll(async () => said.includes('bound'));
  await using node = await NodeUnderTest.start({ env: { NOTIFY_SOCKET: path } });
  await poll(async () => said.includes('READY=1'));
  assert.match(said, new RegExp(`MAINPID=${node.child.pid}`));
  node.signal('SIGTERM');
  await poll(async () => /STOPPING=1[\s\S]*EXTEND_TIMEOUT_USEC=\d+/.test(said));
  await node.exited;
  systemd.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

const ACTIVATE = `import os,socket,sys
s=socket.socket()
s.bind(("127.0.0.1",0))
s.listen()
print("port",s.getsockname()[1],flush=True)
fd=s.fileno()
if fd!=3: os.dup2(fd,3)
os.set_inheritable(3,True)
os.environ["LISTEN_FDS"]="1"
os.environ["LISTEN_PID"]=str(os.getpid())
os.execvp(sys.argv[1],sys.argv[1:])`;

it('serves on the sockets that systemd hands it', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'lastcall-'));
  const child = spawn('python3', ['-c', ACTIVATE, NODE, CLI, 'serve', '--workers', '1', APP], {
    cwd,
    env: { ...process.env, PORT: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await poll(async () => output.includes('] ready: '));
  const port = Number(/port (\d+)/.exec(output)?.[1]);
  assert.equal((await request({ host: '127.0.0.1', port, path: '/', agent: false })).status, 200);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  assert.equal(await exited, 0);
  rmSync(cwd, { recursive: true });
});

it('as process 1 it reaps orphans, passes signals on and survives an upgrade', async (t) => {
  if (spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status !== 0) {
    t.skip('no right to make a PID namespace');
    return;
  }
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-'));
  const serve = [NODE, CLI, 'serve', '--workers', '1', '--prove-ms', '100', APP];
  const child = spawn('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', ...serve], {
    cwd: dir,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exited = new Promise((resolve) => child.once('close', resolve));
  await poll(async () => output.includes('] ready: '));
  const init = Number(execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }));
  const inside = (command: string): string =>
    execFileSync('nsenter', ['-t', String(init), '-p', '-m', 'sh', '-c', command], {
      encoding: 'utf8',
    });
  inside('(sleep 0.1 &) ; true');
  await poll(async () => !inside('ps -eo stat').includes('Z'));
  const ask = (verb: string): Promise<unknown> =>
    send(join(dir, '.lastcall/control.sock'), { verb, args: {} });
  await ask('upgrade');
  await poll(async () => /upgraded \(exit code 0\)/.test(output));
  process.kill(init, 'SIGTERM');
  assert.equal(await exited, 0);
  assert.match(output, /has stopped: SIGTERM/);
  rmSync(dir, { recursive: true });
});
