// Here and not in scripts/: for the matrix of Node versions this package is compiled alone.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that Linux gives by itself: one of these could be given to somebody else before it is listened on. */
const [FIRST, END] = [10_000, 32_768];
const given = new Set<number>();

/** No two of one process are the same. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (given.has(port)) continue;
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    given.add(port);
    await once(server.close(), 'close');
    return port;
  }
}
