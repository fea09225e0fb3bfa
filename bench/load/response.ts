// Reads one HTTP/1.1 response after another from a byte stream, and knows when each is whole.

interface Head {
  status: number;
  close: boolean;
  length: number | 'chunked' | 'until-close';
}

export interface Response {
  status: number;
  /** The server will close the connection after this response. */
  close: boolean;
  body: Buffer;
}

/** Feed it bytes; it calls back with each whole response. */
export class ResponseReader {
  readonly #onResponse: (response: Response) => void;
  #bytes: Buffer = Buffer.alloc(0);
  #head: Head | undefined;

  constructor(onResponse: (response: Response) => void) {
    this.#onResponse = onResponse;
  }

  /** Whether a response has begun and is not whole. */
  get partial(): boolean {
    return this.#head !== undefined || this.#bytes.length > 0;
  }

  feed(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    while (this.#take());
  }

  /** The connection has ended: a body that lasts until then is whole now. */
  end(): void {
    if (this.#head?.length !== 'until-close') return;
    this.#emit(this.#bytes, this.#bytes.length);
  }

  #take(): boolean {
    this.#head ??= this.#takeHead();
    if (!this.#head) return false;
    const { length } = this.#head;
    if (length === 'until-close') return false;
    if (length === 'chunked') return this.#takeChunked();
    if (this.#bytes.length < length) return false;
    return this.#emit(this.#bytes.subarray(0, length), length);
  }

  #takeHead(): Head | undefined {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const text = this.#bytes.subarray(0, end).toString('latin1').toLowerCase();
    this.#bytes = this.#bytes.subarray(end + 4);
    const status = Number(text.slice(9, 12));
    const length = /^content-length: *(\d+)/m.exec(text)?.[1];
    const chunked = /^transfer-encoding: *chunked/m.test(text);
    const close = /^connection: *close/m.test(text);
    return {
      status,
      close,
      length: chunked ? 'chunked' : length === undefined ? 'until-close' : Number(length),
    };
  }

  #takeChunked(): boolean {
    const parts: Buffer[] = [];
    let at = 0;
    for (;;) {
      const end = this.#bytes.indexOf('\r\n', at);
      if (end === -1) return false;
      const size = Number.parseInt(this.#bytes.subarray(at, end).toString('latin1'), 16);
      const next = end + 2 + size + 2;
      if (this.#bytes.length < next) return false;
      if (size === 0) return this.#emit(Buffer.concat(parts), next);
      parts.push(this.#bytes.subarray(end + 2, end + 2 + size));
      at = next;
    }
  }

  #emit(body: Buffer, used: number): boolean {
    const { status, close, length } = this.#head!;
    this.#head = undefined;
    this.#bytes = this.#bytes.subarray(used);
    this.#onResponse({ status, close: close || length === 'until-close', body });
    return this.#bytes.length > 0;
  }
}
