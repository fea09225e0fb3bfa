// Reads HTTP/1 answers off the wire, strictly enough to tell a whole answer from a cut one.
import type { Exchange } from './account.ts';

type State = 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-close';

/** Feeds the answers on one connection, in order, to the exchanges that wait for them. */
export class ResponseParser {
  #buffer: Buffer = Buffer.alloc(0);
  #state: State = 'head';
  #left = 0;
  readonly #queue: Exchange[];
  /** True once a final answer said `Connection: close`: nothing later on is owed (RFC 9112 9.6). */
  closeAnnounced = false;
  upgraded = false;

  constructor(queue: Exchange[]) {
    this.#queue = queue;
  }

  feed(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    while (this.#step());
  }

  /** The peer's FIN: ends an answer without a length; cuts any other. */
  eof(): void {
    const current = this.#queue[0];
    if (current !== undefined && this.#state === 'until-close') this.#finish(current);
  }

  get midAnswer(): boolean {
    return this.#state !== 'head' || this.#buffer.length > 0;
  }

  #step(): boolean {
    const current = this.#queue[0];
    if (current === undefined || this.upgraded) return false;
    if (this.#state === 'head') return this.#head(current);
    if (this.#state === 'length' || this.#state === 'chunk') return this.#bytes(current);
    if (this.#state === 'until-close') {
      const some = this.#buffer.length > 0;
      if (some) current.body(this.#take(this.#buffer.length));
      return false;
    }
    const line = this.#line();
    if (line === undefined) return false;
    if (this.#state === 'chunk-size') {
      this.#chunk(current, line);
    } else if (this.#state === 'chunk-end') {
      if (line === '') this.#state = 'chunk-size';
      else this.#broken(current, 'a chunk that is longer than its size');
    } else if (line === '') {
      this.#finish(current);
    } else {
      addField(current.trailers, line);
    }
    return true;
  }

  /** The size of a chunk, with its extensions (RFC 9112 section 7.1). */
  #chunk(current: Exchange, line: string): void {
    const size = /^([0-9a-f]+)[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) {
      this.#broken(current, `a bad chunk size "${line}"`);
      return;
    }
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  /** Where an answer ends cannot be told any more. */
  #broken(current: Exchange, how: string): void {
    current.settle('lost', how);
    this.#state = 'until-close';
  }

  #head(current: Exchange): boolean {
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const lines = this.#take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(lines[0] ?? '')?.[1] ?? 0);
    if (status === 0) {
      current.settle('lost', `not an HTTP answer: "${lines[0] ?? ''}"`);
      this.#queue.shift();
      return false;
    }
    if (status >= 100 && status < 200 && status !== 101) {
      current.informational.push(status);
      return true;
    }
    current.status = status;
    for (const line of lines.slice(1)) addField(current.headers, line);
    const connection = current.headers.get('connection')?.toLowerCase() ?? '';
    // What speaks HTTP/1.0 closes unless it says that it does not (RFC 9112 section 9.3).
    const closes = lines[0]?.startsWith('HTTP/1.0') === true && !/\bkeep-alive\b/.test(connection);
    if (closes || /\bclose\b/.test(connection)) this.closeAnnounced = true;
    current.headArrived();
    this.#frame(current, status);
    return true;
  }

  #frame(current: Exchange, status: number): void {
    if (status === 101) {
      this.upgraded = true;
      this.#finish(current);
    } else if (current.method === 'HEAD' || status === 204 || status === 304) {
      this.#finish(current);
    } else if (/\bchunked\b/i.test(current.headers.get('transfer-encoding') ?? '')) {
      this.#state = 'chunk-size';
    } else if (current.headers.has('content-length')) {
      this.#withLength(current);
    } else {
      this.closeAnnounced = true;
      this.#state = 'until-close';
    }
  }

  #withLength(current: Exchange): void {
    const told = current.headers.get('content-length') ?? '';
    // The same length given twice is one; any other list says nothing (RFC 9112 section 6.3).
    const lengths = new Set(told.split(/\s*,\s*/));
    const [length = ''] = lengths;
    if (lengths.size > 1 || !/^\d+$/.test(length)) {
      this.#broken(current, `a bad Content-Length "${told}"`);
      return;
    }
    this.#left = Number(length);
    this.#state = 'length';
    if (this.#left === 0) this.#finish(current);
  }

  #bytes(current: Exchange): boolean {
    if (this.#buffer.length === 0) return false;
    const part = this.#take(Math.min(this.#left, this.#buffer.length));
    this.#left -= part.length;
    current.body(part);
    if (this.#left > 0) return false;
    if (this.#state === 'chunk') this.#state = 'chunk-end';
    else this.#finish(current);
    return true;
  }

  #finish(current: Exchange): void {
    this.#state = 'head';
    this.#queue.shift();
    current.settle(current.status === 503 ? 'refused' : 'answered', `a whole ${current.status}`);
  }

  #line(): string | undefined {
    const end = this.#buffer.indexOf('\r\n');
    return end < 0 ? undefined : this.#take(end + 2).toString('latin1', 0, end);
  }

  #take(bytes: number): Buffer {
    const part = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    return part;
  }
}

function addField(fields: Map<string, string>, line: string): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).trim().toLowerCase();
  const value = line.slice(colon + 1).trim();
  const before = fields.get(name);
  fields.set(name, before === undefined ? value : `${before}, ${value}`);
}
