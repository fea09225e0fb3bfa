import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import tls from 'node:tls';

const CHECK_LIMIT_MS = 5_000;

/**
 * Asks this process's own server for `path` on a private loopback connection: the shared socket
 * would give the connection to any worker.
 */
export async function checkSelf(server: Server, path: string): Promise<{ status: number }> {
  const door = createServer((socket) => server.emit('connection', socket));
  await new Promise<void>((resolve, reject) => {
    door.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = door.address() as AddressInfo;
  try {
    return await new Promise((resolve, reject) => {
      const secure = server instanceof tls.Server;
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
      request.once('timeout', () =>
        request.destroy(new Error(`no answer within ${CHECK_LIMIT_MS} ms`)),
      );
      request.once('error', reject).end();
    });
  } finally {
    door.close();
  }
}
