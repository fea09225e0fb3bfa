// Every door: attached twice, to a server that listens, to one that was closed.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type Server } from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import { Hono } from 'hono';
import Koa from 'koa';
import { createLifecycle, type ErrorCode, type Lifecycle } from 'lastcall';
import { attachExpress } from 'lastcall/express';
import { attachGrpc } from 'lastcall/grpc';
import { attachHono } from 'lastcall/hono';
import { attachHttp } from 'lastcall/http';
import { attachHttp2 } from 'lastcall/http2';
import { attachKoa } from 'lastcall/koa';
import { attachNest } from 'lastcall/nest';
import { attachNet } from 'lastcall/net';
import { attachSocketIo } from 'lastcall/socketio';
import { attachWs } from 'lastcall/ws';
import { Server as SocketIo } from 'socket.io';
import { WebSocketServer } from 'ws';

/** A door over a server that it is given. */
interface Door {
  make: () => net.Server;
  /** A new application on the server each time. */
  attach: (lifecycle: Lifecycle, server: never) => unknown;
}

const doors: Record<string, Door> = {
  http: { make: () => http.createServer(), attach: attachHttp },
  http2: { make: () => http2.createServer(), attach: attachHttp2 },
  net: { make: () => net.createServer(), attach: attachNet },
  'net over TLS': { make: () => tls.createServer(), attach: attachNet },
  express: {
    make: () => http.createServer(),
    attach: (lifecycle, server) => attachExpress(lifecycle, express(), { server }),
  },
  koa: {
    make: () => http.createServer(),
    attach: (lifecycle, server) => attachKoa(lifecycle, new Koa(), { server }),
  },
  hono: {
    make: () => http.createServer(),
    attach: (lifecycle, server) =>
      attachHono(lifecycle, new Hono(), { createServer: (() => server) as never }),
  },
  ws: {
    make: () => http.createServer(),
    attach: (lifecycle, server) => attachWs(lifecycle, new WebSocketServer({ server })),
  },
  'socket.io': {
    make: () => http.createServer(),
    attach: (lifecycle, server) => attachSocketIo(lifecycle, new SocketIo(server)),
  },
};

const refused = (code: ErrorCode, attach: () => unknown): void =>
  assert.throws(attach, (error: { code?: string; message: string }) => {
    assert.equal(error.code, code, error.message);
    return true;
  });

async function listen(server: net.Server): Promise<void> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
}

for (const [name, { make, attach }] of Object.entries(doors)) {
  test(`${name}: a server that listens is refused, one that was closed may be attached`, async () => {
    const server = make();
    await listen(server);
    refused('ERR_LASTCALL_LISTENING', () => attach(createLifecycle(), server as never));
    server.close();
    await once(server, 'close');
    const lifecycle = createLifecycle();
    attach(lifecycle, server as never);
    await listen(server);
    lifecycle.ready();
    const { exitCode, failure } = await lifecycle.stop({ reason: 'test' });
    assert.equal(exitCode, 0, failure?.message);
    assert.equal(server.listening, false);
  });

  // What passes sessions through an HTTP server is many to one server.
  if (name === 'ws' || name === 'socket.io') continue;
  test(`${name}: a server is attached once`, () => {
    const [lifecycle, server] = [createLifecycle(), make()];
    attach(lifecycle, server as never);
    refused('ERR_LASTCALL_ATTACHED', () => attach(lifecycle, server as never));
  });
}

test('ws and socket.io: each of their own servers is attached once, and not after it was closed', async () => {
  const lifecycle = createLifecycle();
  const wss = new WebSocketServer({ noServer: true });
  attachWs(lifecycle, wss);
  refused('ERR_LASTCALL_ATTACHED', () => attachWs(lifecycle, wss));
  const io = new SocketIo(http.createServer());
  attachSocketIo(lifecycle, io);
  refused('ERR_LASTCALL_ATTACHED', () => attachSocketIo(lifecycle, io));
  refused('ERR_LASTCALL_SERVER', () => attachSocketIo(lifecycle, new SocketIo()));
  const listening = new SocketIo(0);
  refused('ERR_LASTCALL_LISTENING', () => attachSocketIo(lifecycle, listening));
  await listening.close();
  const closed = new SocketIo(http.createServer());
  await closed.close();
  refused('ERR_LASTCALL_SERVER', () => attachSocketIo(lifecycle, closed));
});

// oxlint-disable-next-line typescript/no-extraneous-class -- Nest knows modules by their class
class AppModule {}
Module({})(AppModule);

const nests: Record<string, () => Promise<INestApplication>> = {
  express: () => NestFactory.create(AppModule, { logger: false }),
  fastify: () => NestFactory.create(AppModule, new FastifyAdapter(), { logger: false }),
};

for (const [platform, make] of Object.entries(nests))
  test(`nest on ${platform}: attached once, not while it listens`, async () => {
    const app = await make();
    const lifecycle = createLifecycle();
    attachNest(lifecycle, app);
    refused('ERR_LASTCALL_ATTACHED', () => attachNest(lifecycle, app));
    await app.close();

    const other = await make();
    await other.listen(0, '127.0.0.1');
    refused('ERR_LASTCALL_LISTENING', () => attachNest(createLifecycle(), other));
    await other.close();
  });

test('grpc: attached before it is bound, also without services, and not when it was shut down', async () => {
  const bound = new grpc.Server();
  await new Promise((resolve) => {
    bound.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), resolve);
  });
  refused('ERR_LASTCALL_LISTENING', () => attachGrpc(createLifecycle(), bound));
  bound.forceShutdown();
  refused('ERR_LASTCALL_SERVER', () => attachGrpc(createLifecycle(), bound));
});

test('attachHttp refuses servers of TLS that speak another protocol', () => {
  for (const server of [http2.createSecureServer(), tls.createServer()])
    refused('ERR_LASTCALL_SERVER', () =>
      attachHttp(createLifecycle(), server as unknown as Server),
    );
});
