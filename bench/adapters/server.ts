// One framework or protocol that answers `hello`, bare or with its adapter. Usage: server.ts FRAMEWORK VARIANT
import 'reflect-metadata';
import http, { type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import { fastify } from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { createLifecycle } from 'lastcall';
import { attachExpress } from 'lastcall/express';
import { attachFastify } from 'lastcall/fastify';
import { attachHono } from 'lastcall/hono';
import { attachHttp } from 'lastcall/http';
import { attachKoa } from 'lastcall/koa';
import { attachNest } from 'lastcall/nest';
import { measured } from '../pairs/measured.ts';
import { protocolServer } from './protocols.ts';

const [framework = '', variant = 'bare'] = process.argv.slice(2);
const bare = variant === 'bare';
const options = { currentLease: variant === 'current' };
const lifecycle = createLifecycle();

const servers: Record<string, () => Server | Promise<Server>> = {
  http() {
    const server = http.createServer((_request, response) => response.end('hello'));
    return bare ? server : attachHttp(lifecycle, server, options);
  },
  async fastify() {
    const app = fastify();
    if (!bare) attachFastify(lifecycle, app, options);
    app.get('/', () => 'hello');
    await app.ready();
    return app.server;
  },
  express() {
    const app = express();
    const server = bare ? http.createServer(app) : attachExpress(lifecycle, app, options);
    app.get('/', (_request, response) => void response.send('hello'));
    return server;
  },
  koa() {
    const app = new Koa();
    app.use((context) => {
      context.body = 'hello';
    });
    if (!bare) return attachKoa(lifecycle, app, options);
    const handle = app.callback();
    return http.createServer((request, response) => void handle(request, response));
  },
  hono() {
    const app = new Hono();
    app.get('/', (context) => context.text('hello'));
    if (bare) return createAdaptorServer({ fetch: app.fetch }) as Server;
    return attachHono(lifecycle, app, options);
  },
  'nest on express': () => nest(new ExpressAdapter()),
  'nest on fastify': () => nest(new FastifyAdapter()),
};

async function nest(platform: AbstractHttpAdapter): Promise<Server> {
  class Hello {
    answer(): string {
      return 'hello';
    }
  }
  const answer = Object.getOwnPropertyDescriptor(Hello.prototype, 'answer');
  if (answer) Get()(Hello.prototype, 'answer', answer);
  Controller()(Hello);
  // oxlint-disable-next-line typescript/no-extraneous-class -- Nest knows modules by their class
  class App {}
  Module({ controllers: [Hello] })(App);
  const app: INestApplication = await NestFactory.create(App, platform, { logger: false });
  if (!bare) attachNest(lifecycle, app, options);
  await app.init();
  if (platform instanceof FastifyAdapter) await platform.getInstance().ready();
  return app.getHttpServer() as Server;
}

async function portOf(server: Server | Promise<Server> | undefined): Promise<number> {
  const listening = await server;
  if (!listening) throw new Error(`no server for ${framework}`);
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  return (listening.address() as AddressInfo).port;
}

const port =
  (await protocolServer(framework, bare ? undefined : lifecycle)) ??
  (await portOf(servers[framework]?.()));
lifecycle.ready();
measured(port);
