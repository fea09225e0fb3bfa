// The application that all process managers of this bench run: the same handler for each.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const EVENT_GAP_MS = 50;

export async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://bench');
  if (pathname === '/slow') {
    await sleep(Number(searchParams.get('ms')));
    response.end('slow\n');
  } else if (pathname === '/stream') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < Number(searchParams.get('events')); i += 1) {
      response.write(`data: ${i}\n\n`);
      await sleep(EVENT_GAP_MS);
    }
    response.end();
  } else if (pathname === '/upload') {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    response.end(String(bytes));
  } else response.end('hello\n');
}
