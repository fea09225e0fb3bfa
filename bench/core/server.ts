// One bare node:http server, with or without something that is to stop it. Usage: server.ts VARIANT PEERS
import http, { type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { measured } from '../pairs/measured.ts';

type Attach = (server: Server) => unknown;
type Peer = (...settings: unknown[]) => unknown;

const load = createRequire(`${process.argv[3] ?? '.'}/package.json`) as (name: string) => unknown;
// Each process loads all of them and uses one: what a program has loaded alone moves the figure by several per cent.
const { createHttpTerminator } = load('http-terminator') as Record<'createHttpTerminator', Peer>;
const stoppable = load('stoppable') as Peer;
const { createTerminus } = load('@godaddy/terminus') as Record<'createTerminus', Peer>;
const gracefulShutdown = load('http-graceful-shutdown') as Peer;

const variants: Record<string, Attach> = {
  bare: () => undefined,
  lastcall: (server) => {
    const lifecycle = createLifecycle();
    lifecycle.handleSignals();
    attachHttp(lifecycle, server);
    server.once('listening', () => lifecycle.ready());
  },
  'http-terminator': (server) => createHttpTerminator({ server }),
  stoppable: (server) => stoppable(server, 5_000),
  '@godaddy/terminus': (server) =>
    createTerminus(server, { signal: 'SIGTERM', healthChecks: { '/health': async () => ({}) } }),
  'http-graceful-shutdown': (server) => gracefulShutdown(server, { timeout: 5_000 }),
};

const attach = variants[process.argv[2] ?? 'bare'];
if (!attach) throw new Error(`no variant ${process.argv[2]}`);
const server = http.createServer((_request, response) => response.end('hello'));
attach(server);
server.listen(0, '127.0.0.1', () => measured((server.address() as AddressInfo).port));
