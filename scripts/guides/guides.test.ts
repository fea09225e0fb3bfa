// Every TypeScript block of the guides is compiled, and every one that is a whole service is started,
// asked, and stopped.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { blocks } from './blocks.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lastcall-guides-'));
const at = join(folder, 'guides');
after(() => rmSync(folder, { recursive: true }));

/** Says where each server of the block listens. */
const SAYS_PORT = `
import net from 'node:net';
const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (...args) {
  this.once('listening', () => console.log('port ' + this.address().port));
  return listen.apply(this, args);
};`;

const all = blocks();

before(() => {
  mkdirSync(at);
  // As a service would have them: the library's peers first, then what the workspace shares.
  symlinkSync(`${root}packages/lastcall/node_modules`, join(at, 'node_modules'));
  symlinkSync(`${root}node_modules`, join(folder, 'node_modules'));
  for (const { name, text: code } of all)
    writeFileSync(join(at, `${name}.ts`), code.replaceAll(/\b(8080|50051)\b/g, '0'));
  writeFileSync(join(at, 'package.json'), '{"type":"module"}');
  writeFileSync(join(at, 'port.js'), SAYS_PORT);
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    // The README's second block is plain JavaScript, so that it can be read as both.
    noImplicitAny: false,
    skipLibCheck: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    typeRoots: [join(at, 'node_modules/@types'), join(folder, 'node_modules/@types')],
    types: ['node'],
  };
  writeFileSync(join(at, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
});

test('every block compiles', () => {
  const tsc = join(root, 'node_modules/.bin/tsc');
  try {
    execFileSync(tsc, ['-p', at], { cwd: at, encoding: 'utf8' });
  } catch (error) {
    assert.fail((error as { stdout: string }).stdout);
  }
});

async function overHttp2(port: string): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const request = session.request({ ':path': '/' });
  assert.equal(await text(request.setEncoding('utf8')), 'ok');
  session.close();
}

async function overTcp(port: string): Promise<void> {
  const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
  socket.end('hello\n');
  assert.equal(await text(socket), 'HELLO\n');
}

async function overHttp(port: string): Promise<void> {
  const ready = await fetch(`http://127.0.0.1:${port}/ready`);
  assert.equal(ready.status, 200, await ready.text());
}

const ASK: Readonly<Record<string, (port: string) => Promise<void>>> = {
  'http2-0': overHttp2,
  'tcp-0': overTcp,
  'grpc-0': async () => undefined,
};

// Those of the handover need a database; the README's has a test of its own.
for (const { name } of all.filter((block) => block.whole && !/^(README|handover)/.test(block.name)))
  test(`${name} starts, answers, and stops in order`, async () => {
    const child = spawn(process.execPath, ['--import', './port.js', `${name}.js`], {
      cwd: at,
      stdio: 'pipe',
    });
    let output = '';
    const port = Promise.withResolvers<string>();
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk;
        const [, found] = /port (\d+)/.exec(output) ?? [];
        if (found) port.resolve(found);
      });
    const closed = once(child, 'close');
    void closed.then(() => port.reject(new Error(output)));
    try {
      await (ASK[name] ?? overHttp)(await port.promise);
    } finally {
      child.kill('SIGTERM');
    }
    assert.deepEqual(await closed, [0, null], output);
    assert.match(output, /lost 0/);
  });
