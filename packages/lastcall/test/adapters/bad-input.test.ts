// What cannot be attached is refused with a coded error that says what to do.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import express, { type Express } from 'express';
import { type FastifyInstance, fastify } from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { createLifecycle, type ErrorCode } from 'lastcall';
import { serveAdmin } from 'lastcall/admin';
import { attachExpress } from 'lastcall/express';
import { attachFastify } from 'lastcall/fastify';
import { attachHono } from 'lastcall/hono';
import { attachHttp } from 'lastcall/http';
import { attachKoa } from 'lastcall/koa';
import { attachNest } from 'lastcall/nest';
import { attachSocketIo } from 'lastcall/socketio';
import { attachWs } from 'lastcall/ws';

const lifecycle = createLifecycle();

function refuses(code: ErrorCode, advice: RegExp, attach: () => unknown): void {
  assert.throws(attach, (error: { code?: string; message: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, advice);
    return true;
  });
}

test('attached twice', async () => {
  const server = attachHttp(lifecycle, http.createServer());
  refuses('ERR_LASTCALL_ATTACHED', /once/, () => attachHttp(lifecycle, server));
  const app = express();
  attachExpress(lifecycle, app);
  refuses('ERR_LASTCALL_ATTACHED', /pass \{ server \}/, () => attachExpress(lifecycle, app));
  attachExpress(lifecycle, app, { server: http.createServer(app) });
  const koa = new Koa();
  attachKoa(lifecycle, koa);
  refuses('ERR_LASTCALL_ATTACHED', /pass \{ server \}/, () => attachKoa(lifecycle, koa));
  const own = createLifecycle();
  const served = attachFastify(own, fastify());
  refuses('ERR_LASTCALL_ATTACHED', /once/, () => attachFastify(own, served));
  await served.close();
});

test('attached while it listens, and after it was closed', async () => {
  const server = http.createServer();
  await once(server.listen(0), 'listening');
  refuses('ERR_LASTCALL_LISTENING', /before listen/, () => attachHttp(lifecycle, server));
  await once(server.close(), 'close');
  // node:http lets a closed server listen again, so it can be attached then.
  const again = createLifecycle();
  attachHttp(again, server, {});
  await once(server.listen(0), 'listening');
  assert.equal((await again.stop({ reason: 'test' })).lost, 0);
  assert.equal(server.listening, false);

  const started = fastify();
  await started.listen({ port: 0, host: '127.0.0.1' });
  refuses('ERR_LASTCALL_LISTENING', /right after/, () => attachFastify(lifecycle, started));
  await started.close();
  refuses('ERR_LASTCALL_LISTENING', /right after/, () => attachFastify(lifecycle, started));
});

test('another kind of server', async () => {
  const plain = net.createServer() as unknown as http.Server;
  refuses('ERR_LASTCALL_SERVER', /http\.createServer/, () => attachHttp(lifecycle, plain));
  refuses('ERR_LASTCALL_SERVER', /http\.createServer/, () =>
    attachHttp(lifecycle, {} as http.Server),
  );
  const app = fastify({ http2: true });
  refuses('ERR_LASTCALL_SERVER', /http2/, () => attachFastify(lifecycle, app));
  await app.close();
  refuses('ERR_LASTCALL_SERVER', /http2/, () =>
    attachHono(lifecycle, new Hono(), { createServer: http2.createServer }),
  );
});

test('another framework, or another version of it', () => {
  const old = Object.create(fastify(), { version: { value: '4.29.1' } }) as FastifyInstance;
  refuses('ERR_LASTCALL_FRAMEWORK', /fastify@5/, () => attachFastify(lifecycle, old));
  // As Express 4 and Koa 2 look.
  const express4 = Object.assign(() => undefined, { request: {}, lazyrouter: () => undefined });
  refuses('ERR_LASTCALL_FRAMEWORK', /express@5/, () =>
    attachExpress(lifecycle, express4 as unknown as Express),
  );
  const koa2 = { middleware: [], context: {} } as unknown as Koa;
  refuses('ERR_LASTCALL_FRAMEWORK', /koa@3/, () => attachKoa(lifecycle, koa2));
  // As Hono 3, Nest 11, ws 7 and socket.io 3 look.
  const hono3 = Object.assign(new Hono(), { showRoutes: () => undefined });
  refuses('ERR_LASTCALL_FRAMEWORK', /hono@4/, () => attachHono(lifecycle, hono3));
  const nest11 = { getHttpServer: () => undefined, enableShutdownHooks: () => undefined };
  refuses('ERR_LASTCALL_FRAMEWORK', /core@12/, () => attachNest(lifecycle, nest11 as never));
  const ws7 = { handleUpgrade: () => undefined, options: {}, clients: new Set() };
  refuses('ERR_LASTCALL_SERVER', /ws 8\.16/, () => attachWs(lifecycle, ws7 as never));
  const io3 = { of: () => undefined, _nsps: new Map(), httpServer: http.createServer() };
  refuses('ERR_LASTCALL_SERVER', /socket\.io 4/, () => attachSocketIo(lifecycle, io3 as never));
  for (const nothing of [undefined, null, {}, 'app']) {
    refuses('ERR_LASTCALL_FRAMEWORK', /express\(\)/, () =>
      attachExpress(lifecycle, nothing as never),
    );
    refuses('ERR_LASTCALL_FRAMEWORK', /new Koa\(\)/, () => attachKoa(lifecycle, nothing as never));
    refuses('ERR_LASTCALL_FRAMEWORK', /new Hono\(\)/, () =>
      attachHono(lifecycle, nothing as never),
    );
    refuses('ERR_LASTCALL_FRAMEWORK', /NestFactory/, () => attachNest(lifecycle, nothing as never));
    refuses('ERR_LASTCALL_FRAMEWORK', /fastify@5/, () =>
      attachFastify(lifecycle, nothing as never),
    );
  }
});

test('an admin port that is taken', async () => {
  const taken = net.createServer();
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  const { port } = taken.address() as net.AddressInfo;
  await assert.rejects(serveAdmin(createLifecycle(), { port }), { code: 'EADDRINUSE' });
  taken.close();
});
