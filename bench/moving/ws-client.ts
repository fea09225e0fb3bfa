import type { Account, Numbers } from './account.ts';
import { note } from './account.ts';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export const wsRequest = (): string =>
  'GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGFzdGNhbGwgYmVuY2hlcw==\r\n\r\n';

/** A frame from a client; a mask of zeros changes nothing (RFC 6455 section 5.3). */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

/** Takes the frames of a server apart; each message is a number and the account of what was heard. */
export class WsReader {
  readonly #account: Account;
  readonly #numbers: Numbers;
  readonly #pong: (frame: Buffer) => void;
  #head = true;
  #rest: Buffer | undefined;
  /** The last of the client's messages that the server has heard. */
  heard = 0;
  #faults = 0;

  constructor(account: Account, numbers: Numbers, pong: (frame: Buffer) => void) {
    this.#account = account;
    this.#numbers = numbers;
    this.#pong = pong;
  }

  /** Returns what is wrong, if anything: the connection is of no more use then. */
  take(chunk: Buffer): string | undefined {
    let bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = undefined;
    if (this.#head) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end !== -1) {
        if (bytes.toString('latin1', 9, 12) !== '101')
          return `answer ${bytes.toString('latin1', 9, 12)}`;
        this.#head = false;
        bytes = bytes.subarray(end + 4);
      }
    }
    while (!this.#head && bytes.length >= 2) {
      const [first = 0, size = 0] = bytes;
      if (size > 125) return this.#garbled(`frame of ${size}`);
      if (bytes.length < 2 + size) break;
      const wrong = this.#frame(first, bytes.subarray(2, 2 + size));
      if (wrong !== undefined) return wrong;
      bytes = bytes.subarray(2 + size);
    }
    // The buffer is another connection's next.
    if (bytes.length > 0) this.#rest = Buffer.from(bytes);
    return undefined;
  }

  #frame(first: number, payload: Buffer): string | undefined {
    if (first === (0x80 | TEXT)) {
      const [number = Number.NaN, heard = 0, faults = 0] = payload
        .toString('latin1')
        .split(' ')
        .map(Number);
      if (Number.isNaN(number)) return this.#garbled(`message: ${payload.toString('latin1')}`);
      this.heard = heard;
      if (faults > this.#faults) {
        this.#account.sentFaults += faults - this.#faults;
        note(this.#account, `the server says that messages before ${heard} were not in order`);
        this.#faults = faults;
      }
      this.#numbers.take(number);
    } else if (first === (0x80 | PING)) this.#pong(clientFrame(PONG, payload));
    else if (first === (0x80 | CLOSE)) return `close frame ${payload.readUInt16BE(0)}`;
    else return this.#garbled(`frame that begins with ${first.toString(16)}`);
    return undefined;
  }

  #garbled(what: string): string {
    this.#account.garbled += 1;
    note(this.#account, what);
    return what;
  }
}
