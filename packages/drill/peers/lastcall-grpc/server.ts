import http from 'node:http';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
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

const unary: UntypedHandleCall = (call: never, done: (error: null, value: Buffer) => void) => {
  const { metadata } = call as { metadata: { get: (name: string) => string[] } };
  setTimeout(done, Number(metadata.get('drill-ms')[0] ?? 50), null, Buffer.alloc(0));
};
const stream: UntypedHandleCall = (call: never) => {
  const { metadata, write, end } = call as {
    metadata: { get: (name: string) => string[] };
    write: (value: Buffer) => void;
    end: () => void;
  };
  const ticks = setInterval(() => write.call(call, Buffer.alloc(2)), 20);
  setTimeout(
    () => {
      clearInterval(ticks);
      end.call(call);
    },
    Number(metadata.get('drill-ms')[0] ?? 50),
  );
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
