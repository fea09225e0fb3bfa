// `lastcall pod rehearse` as a process: it ends, whatever the service, the clients or the operator do.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readInventory } from '@lastcall/edge';
import { stringify } from 'yaml';
import { eventually, folder } from '../support/place.ts';

const CLI = fileURLToPath(new URL('../../../cli/bin/lastcall.js', import.meta.url));
const SERVICE = fileURLToPath(new URL('../fixtures/service.ts', import.meta.url));
const probe = (path: string): object => ({ httpGet: { path, port: 8080 }, periodSeconds: 1 });

function manifest(t: TestContext, command: string[], preStop?: object): string {
  const file = join(folder(t), 'deployment.yaml');
  const container = {
    name: 'app',
    image: 'app:1',
    command,
    // So that its processes are known among all others.
    env: [
      { name: 'REHEARSED_IN', value: file },
      { name: 'GRACEFUL_SHUTDOWN_TIMEOUT', value: '2' },
    ],
    readinessProbe: probe('/ready'),
    ...(preStop ? { lifecycle: { preStop } } : {}),
  };
  writeFileSync(
    file,
    stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'rehearsed' },
      spec: {
        replicas: 1,
        template: { spec: { terminationGracePeriodSeconds: 14, containers: [container] } },
      },
    }),
  );
  return file;
}

interface Command {
  child: ChildProcess;
  said: () => string;
  ended: Promise<number | null>;
}

function start(t: TestContext, ...words: string[]): Command {
  const child = spawn(process.execPath, [CLI, 'pod', 'rehearse', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  t.after(() => child.kill('SIGKILL'));
  return { child, said: () => text, ended: once(child, 'close').then(([code]) => code as number) };
}

/** Processes that still run with the environment of a rehearsal. */
const left = (file: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`_IN=${file}`)
      );
    } catch {
      return false;
    }
  });

test('a program that is not there is told at once', async (t) => {
  const file = manifest(t, ['/no/such/program']);
  const { said, ended } = start(t, file);
  assert.equal(await ended, 2, said());
  assert.match(said(), /\/no\/such\/program cannot be started here: .*ENOENT/);
});

test('requests that are never answered do not hold it', async (t) => {
  const file = manifest(t, [process.execPath, SERVICE]);
  const { said, ended } = start(t, file, '--path', '/hang', '--clients', '1', '--removal', '0s');
  assert.equal(await ended, 1, said());
  assert.match(said(), /requests, [1-9]\d* dropped/);
  assert.deepEqual(left(file), []);
});

test('Ctrl-C in the middle of a hook ends every process of it', async (t) => {
  const hook = { exec: { command: ['sh', '-c', 'sleep 600; true'] } };
  const file = manifest(t, [process.execPath, SERVICE], hook);
  const { child, said, ended } = start(t, file);
  await eventually('the old pod is deleted', () => said().includes('deleted'));
  await eventually('the hook runs', () => left(file).length >= 4);
  child.kill('SIGINT');
  assert.equal(await ended, 130, said());
  await eventually('nothing is left', () => left(file).length === 0);
});

test('the file of nodes in the help is one', (t) => {
  const help = execFileSync(process.execPath, [CLI, 'node', '--help'], { encoding: 'utf8' });
  const file = join(folder(t), 'edge.yaml');
  writeFileSync(file, /^edge\.yaml.*:\n([^]*)$/m.exec(help)?.[1] ?? '');
  assert.equal(readInventory(file).nodes.length, 2);
});

test('each verb of pod and node shows examples in its help', () => {
  for (const words of [['pod', 'check'], ['pod', 'rehearse'], ['node']]) {
    const help = execFileSync(process.execPath, [CLI, ...words, '--help'], { encoding: 'utf8' });
    assert.match(help, new RegExp(`Examples[^]*\\$ lastcall ${words.join(' ')} `));
  }
});
