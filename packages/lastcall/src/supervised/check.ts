import { request as http, Server as HttpServer } from 'node:http';
import { connect as http2 } from 'node:http2';
import { request as https, Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import tls from 'node:tls';

const CHECK_LIMIT_MS = 5_000;
const UNSUPPORTED_MEDIA_TYPE = 415;

interface Checked {
  status: number;
}

/**
 * Asks this process's own server for `path` on a private loopback connection: the shared socket
 * would give the connection to any worker. A server that speaks no HTTP is not asked.
 */
export async function checkSelf(server: Server, path: string): Promise<Checked> {
  const isHttp1 = server instanceof HttpServer || server instanceof HttpsServer;
  if (!isHttp1 && !isHttp2(server)) return { status: 200 };
  const door = createServer((socket) => server.emit('connection', socket));
  await new Promise<void>((resolve, reject) => {
    door.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = door.address() as AddressInfo;
  const secure = server instanceof tls.Server;
  try {
    return await (isHttp1 ? overHttp1 : overHttp2)(port, path, secure);
  } finally {
    door.close();
  }
}

/** `node:http2` has no class of its servers to compare with; no other server has this method. */
const isHttp2 = (server: Server): boolean =>
  typeof Reflect.get(server, 'updateSettings') === 'function';

const tooLate = (): Error => new Error(`no answer within ${CHECK_LIMIT_MS} ms`);

function overHttp1(port: number, path: string, secure: boolean): Promise<Checked> {
  return new Promise((resolve, reject) => {
    const send = secure ? https : http;
    const request = send(
      {
        host: '127.0.0.1',
        port,
        path,
        agent: false,
        timeout: CHECK_LIMIT_MS,
        ...(secure ? { rejectUnauthorized: false } : {}),
      },
      (response) => {
        response.resume().once('close', () => resolve({ status: response.statusCode ?? 0 }));
      },
    );
    request.once('timeout', () => request.destroy(tooLate()));
    request.once('error', reject).end();
  });
}

function overHttp2(port: number, path: string, secure: boolean): Promise<Checked> {
  const origin = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`;
  const session = http2(origin, { rejectUnauthorized: false });
  const answered = new Promise<Checked>((resolve, reject) => {
    session.once('error', reject);
    session.setTimeout(CHECK_LIMIT_MS, () => session.destroy(tooLate()));
    const stream = session.request({ ':path': path });
    stream.once('error', reject).resume();
    stream.once('response', ({ ':status': status = 0 }) => {
      // What speaks gRPC has no other paths: that it answers has to do.
      resolve({ status: status === UNSUPPORTED_MEDIA_TYPE ? 200 : status });
    });
  });
  return answered.finally(() => session.close());
}
