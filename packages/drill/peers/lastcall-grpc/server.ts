import http from 'node:http';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  Server,
  ServerCredentials,
} from '@grpc/grpc-js';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachGrpc } from 'lastcall/grpc';
// oxlint-disable-next-line no-restricted-imports -- a test subject, not a part of the drill
import { attachHttp, leaseOf } from 'lastcall/http';
import { app } from '../common/app.ts';
import { host, later, port, prepare } from '../common/lastcall.ts';

const bytes = (value: Buffer): Buffer => value;
const method = (name: string, responseStream: boolean) => ({
  path: `/drill.Test/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

const msOf = (metadata: Metadata): number => Number(metadata.get('drill-ms')[0] ?? 50);
const unary: handleUnaryCall<Buffer, Buffer> = (call, done) => {
  setTimeout(done, msOf(call.metadata), null, Buffer.alloc(0));
};
const stream: handleServerStreamingCall<Buffer, Buffer> = (call) => {
  const ticks = setInterval(() => call.write(Buffer.alloc(2)), 20);
  setTimeout(() => {
    clearInterval(ticks);
    call.end();
  }, msOf(call.metadata));
};

const lifecycle = prepare();
const server = attachHttp(lifecycle, http.createServer(app({ leaseOf })));
const grpc = attachGrpc(lifecycle, new Server());
grpc.addService(
  { unary: method('Unary', false), stream: method('Stream', true) },
  { unary, stream },
);
later(() => {
  const address = `${host}:${process.env['GRPC_PORT']}`;
  grpc.bindAsync(address, ServerCredentials.createInsecure(), () => {
    server.listen(port, host, () => lifecycle.ready());
  });
});
