// Servers of the protocols beside HTTP/1.1, bare or attached, that answer each message or call.
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { type sendUnaryData, Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import type { Lifecycle } from 'lastcall';
import { attachGrpc } from 'lastcall/grpc';
import { attachHttp } from 'lastcall/http';
import { attachHttp2 } from 'lastcall/http2';
import { attachNet } from 'lastcall/net';
import { attachSocketIo } from 'lastcall/socketio';
import { attachSse } from 'lastcall/sse';
import { attachWs } from 'lastcall/ws';
import { Server as SocketIoServer } from 'socket.io';
import { WebSocketServer } from 'ws';

export const GRPC_PATH = '/bench.Hello/Say';
const EVENTS = 20;

/** Starts the server of `protocol` on a free port; undefined when it is none of these. */
export function protocolServer(
  protocol: string,
  lifecycle: Lifecycle | undefined,
): Promise<number> | undefined {
  switch (protocol) {
    case 'http2': {
      const server = http2.createServer((_request, response) => response.end('hello'));
      return listen(lifecycle ? attachHttp2(lifecycle, server) : server);
    }
    case 'grpc':
      return grpc(lifecycle);
    case 'ws': {
      const server = http.createServer();
      const wss = new WebSocketServer({ server, perMessageDeflate: false });
      if (lifecycle) attachWs(lifecycle, wss);
      wss.on('connection', (socket) =>
        socket.on('message', (data, binary) => socket.send(data, { binary })),
      );
      return listen(server);
    }
    case 'socket.io': {
      const server = http.createServer();
      const io = new SocketIoServer(server, { transports: ['websocket'] });
      if (lifecycle) attachSocketIo(lifecycle, io);
      io.on('connection', (socket) => socket.on('hello', (done: () => void) => done()));
      return listen(server);
    }
    case 'net': {
      const server = net.createServer({ noDelay: true }, (socket) => {
        socket.on('data', (data) => socket.write(data)).on('error', () => socket.destroy());
      });
      if (lifecycle) attachNet(lifecycle, server);
      return listen(server);
    }
    case 'sse':
      return listen(sse(lifecycle));
    default:
      return undefined;
  }
}

function grpc(lifecycle: Lifecycle | undefined): Promise<number> {
  const server = new GrpcServer();
  if (lifecycle) attachGrpc(lifecycle, server);
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  const say = (call: { request: Buffer }, callback: sendUnaryData<Buffer>): void =>
    callback(null, call.request);
  server.register(GRPC_PATH, say, bytes.serialize, bytes.deserialize, 'unary');
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

/** Streams of 20 events; bare, with the same bytes and headers. */
function sse(lifecycle: Lifecycle | undefined): http.Server {
  if (!lifecycle)
    return http.createServer((_request, response) => {
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      });
      response.flushHeaders();
      for (let id = 1; id <= EVENTS; id += 1) response.write(`id: ${id}\ndata: hello\n\n`);
      response.end();
    });
  const streams = attachSse(lifecycle);
  const server = http.createServer((request, response) => {
    const stream = streams.open(request, response);
    for (let id = 1; id <= EVENTS; id += 1) void stream.send({ id: String(id), data: 'hello' });
    stream.end();
  });
  return attachHttp(lifecycle, server);
}

async function listen(server: net.Server | http2.Http2Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as net.AddressInfo).port;
}
