import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { attachGrpc } from 'lastcall/grpc';
import { ConfigError } from '../config.ts';
import { type CallParts, makeCalls } from './calls.ts';
import { loadInference } from './definition.ts';

export interface GrpcAddress {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/**
 * The service over gRPC, on a port of its own, with health and reflection. Listens when it resolves, to the
 * port. The lifecycle drains and closes it. Throws {@link ConfigError} for an address it cannot have.
 */
export async function openGrpc({ host, port }: GrpcAddress, parts: CallParts): Promise<number> {
  const { definition, service } = loadInference();
  const server = attachGrpc(parts.lifecycle, new Server());
  server.addService(service, makeCalls(parts));
  new ReflectionService(definition).addToServer(server);
  return new Promise((resolve, reject) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (!error) resolve(bound);
      else
        reject(
          new ConfigError(
            `GRPC_PORT: expected a free address, got ${address}: ${error.message}. Choose another port, or unset it for no gRPC.`,
            { cause: error },
          ),
        );
    });
  });
}
