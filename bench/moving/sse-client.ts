import type { Account, Numbers } from './account.ts';
import { note } from './account.ts';

/** Takes a chunked event stream apart (RFC 9112 section 7.1); each event has `id` and a text with it. */
export class SseReader {
  readonly #account: Account;
  readonly #numbers: Numbers;
  #head = true;
  #raw = '';
  #body = '';
  /** Who has written the last event, where the server says it. */
  writer = '';

  constructor(account: Account, numbers: Numbers) {
    this.#account = account;
    this.#numbers = numbers;
  }

  /** Returns what is wrong, if anything: the connection is of no more use then. */
  take(bytes: Buffer): string | undefined {
    this.#raw += bytes.toString('latin1');
    if (this.#head) {
      const end = this.#raw.indexOf('\r\n\r\n');
      if (end === -1) return undefined;
      if (!this.#raw.startsWith('HTTP/1.1 200 ')) return `answer ${this.#raw.slice(9, 12)}`;
      this.#head = false;
      this.#raw = this.#raw.slice(end + 4);
    }
    return this.#chunks();
  }

  #chunks(): string | undefined {
    for (;;) {
      const line = this.#raw.indexOf('\r\n');
      if (line === -1) return undefined;
      const digits = this.#raw.slice(0, line);
      if (!/^[0-9a-f]+$/.test(digits)) return this.#garbled(`no chunk: ${this.#raw.slice(0, 60)}`);
      const from = line + 2;
      const to = from + Number.parseInt(digits, 16);
      if (this.#raw.length < to + 2) return undefined;
      if (to === from) return 'end of the answer';
      if (this.#raw.slice(to, to + 2) !== '\r\n') return this.#garbled(`no end of a chunk`);
      this.#body += this.#raw.slice(from, to);
      this.#raw = this.#raw.slice(to + 2);
      this.#events();
    }
  }

  #events(): void {
    for (;;) {
      const end = this.#body.indexOf('\n\n');
      if (end === -1) return;
      const event = this.#body.slice(0, end);
      this.#body = this.#body.slice(end + 2);
      const number = Number.parseInt(event.slice(4), 10);
      const start = `id: ${number}\ndata: ${number}`;
      const after = event.at(start.length) ?? ' ';
      if (!event.startsWith(start) || after !== ' ')
        this.#garbled(`no event: ${event.slice(0, 60)}`);
      else {
        this.writer = event.slice(start.length + 1);
        this.#numbers.take(number);
      }
    }
  }

  #garbled(what: string): string {
    this.#account.garbled += 1;
    note(this.#account, what);
    return what;
  }
}

export const sseRequest = (path: string, after: number): string =>
  `GET ${path} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n${after > 0 ? `Last-Event-ID: ${after}\r\n` : ''}\r\n`;
