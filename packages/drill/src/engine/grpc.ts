// gRPC by hand over HTTP/2, because a gRPC library retries on its own and would hide a loss.
import type { Exchange } from './account.ts';
import { H2Client, type H2Exchange, grpcStatus } from './h2.ts';
import type { Context } from './context.ts';

/** A length-prefixed message: one flag byte, four bytes of length. */
export function frame(message: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export function call(
  client: H2Client,
  method: string,
  metadata: Readonly<Record<string, string>> = {},
  message?: Buffer,
): H2Exchange {
  return client.send({
    method: 'POST',
    path: method,
    headers: { 'content-type': 'application/grpc', te: 'trailers', ...metadata },
    body: frame(message),
  });
}

export const connectGrpc = (ctx: Context): Promise<H2Client> =>
  H2Client.connect(ctx, { port: ctx.port('grpc'), secure: false });

export function statusText(exchange: Exchange): string {
  return `grpc-status ${grpcStatus(exchange) ?? 'missing'} (${exchange.toString()})`;
}

/** The serving status in each grpc.health.v1 answer: 1 is SERVING, 2 is NOT_SERVING. */
export function healthStatuses(body: Buffer): number[] {
  const found: number[] = [];
  let at = 0;
  while (at + 5 <= body.length) {
    const length = body.readUInt32BE(at + 1);
    const message = body.subarray(at + 5, at + 5 + length);
    // Field 1, a varint; absent means 0, as proto3 leaves defaults out.
    found.push(message[0] === 0x08 ? (message[1] ?? 0) : 0);
    at += 5 + length;
  }
  return found;
}

export const healthCheck = '/grpc.health.v1.Health/Check';
export const healthWatch = '/grpc.health.v1.Health/Watch';

/** Collects the raw bytes of an exchange's body. */
export function collect(exchange: Exchange): () => Buffer {
  const parts: Buffer[] = [];
  exchange.onBody = (chunk) => parts.push(chunk);
  return () => Buffer.concat(parts);
}
