// The works of the suite for protocols of messages: `/slow?ms=400 7` asks, { id: '7', ... } answers.
import type { Lease, Refusal } from 'lastcall';
import * as host from '../../suite/host.ts';

export interface Message {
  id: string;
  status: number;
  text: string;
  bytes: number;
}

/** One connection, as the works see it. */
export interface Line {
  promise(label: string): Lease | Refusal;
  send(message: Message): unknown;
  sendBytes(bytes: Buffer): unknown;
  /** Sends the answer and ends the lease. */
  deliver(lease: Lease, message: Message): unknown;
  /** Resolves when that many bytes have been uploaded. */
  uploaded(bytes: number): Promise<void>;
}

export async function work(line: Line, request: string): Promise<void> {
  const [path = '', id = ''] = request.split(' ');
  const reply = (status: number, text: string, bytes = text.length): Message => ({
    id,
    status,
    text,
    bytes,
  });
  const lease = line.promise(path);
  if (!lease.admitted) return void line.send(reply(503, `retry ${lease.retryAfterMs}`));
  const deliver = (text: string): unknown => line.deliver(lease, reply(200, text));
  switch (path.split('?')[0]) {
    case '/slow':
      return void deliver(await host.slow(host.msOf(path)));
    case '/large':
      line.sendBytes(host.large());
      return void deliver('');
    case '/stream':
    case '/polite': {
      const events = path === '/polite' ? host.politeEvents(lease) : host.events(host.msOf(path));
      let text = '';
      for await (const event of events) text += event;
      return void deliver(text);
    }
    case '/upload': {
      host.working();
      const bytes = Number(path.split('bytes=')[1]);
      await line.uploaded(bytes);
      return void deliver(String(bytes));
    }
    case '/hang':
      return host.hanging(lease);
    case '/fail':
      line.send(reply(500, 'failed'));
      return void lease.end('failed');
    default:
      return void deliver('ok');
  }
}

/** Counts uploaded bytes. */
export class Uploads {
  #bytes = 0;
  #check = (): void => {};

  add(bytes: number): void {
    this.#bytes += bytes;
    this.#check();
  }

  reached(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#check = () => {
        if (this.#bytes >= bytes) resolve();
      };
      this.#check();
    });
  }
}
