import { Server } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { LastcallError } from '../../errors.ts';

/** Throws `ERR_LASTCALL_SERVER` when a framework was set up to speak HTTP/2. */
export function expectHttp1(server: unknown, adapter: string): void {
  if (server instanceof Server || server instanceof HttpsServer) return;
  throw new LastcallError(
    'ERR_LASTCALL_SERVER',
    `${adapter}: expected a server of HTTP/1.1, got another kind. For HTTP/2 make the server with node:http2 and attach it with lastcall/http2.`,
  );
}
