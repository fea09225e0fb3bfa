import type { Peer, Reply } from '../../suite/index.ts';
import type { Message } from './message-works.ts';

/** A client of a protocol of messages. A connection that takes no more is followed by a new one. */
export abstract class MessagePeer implements Peer {
  /** What the server said when it began to drain. */
  draining: { owed: number; reconnectAfterMs: number } | undefined;
  readonly #waiting = new Map<string, (message: Message | undefined) => void>();
  #lastId = 0;
  #blob = 0;
  #next: Peer | undefined;

  protected abstract sendText(text: string): void;
  protected abstract sendBytes(bytes: Buffer): void;
  protected abstract reopen(): Promise<Peer>;
  /** The connection ended in order, with the word that work was cancelled. */
  protected abstract readonly wasCancelled: boolean;
  abstract readonly isClosed: boolean;
  abstract askSlowly(work: string, paused: () => void): Promise<Reply | undefined>;
  abstract closed(): Promise<'end' | 'reset' | 'open'>;
  protected abstract cut(): void;

  get told(): boolean {
    return this.draining !== undefined || this.isClosed;
  }

  async ask(work: string): Promise<Reply | undefined> {
    if (!this.isClosed) return this.request(work);
    this.#next ??= await this.reopen();
    return this.#next.ask(work);
  }

  askAll(works: readonly string[]): Promise<(Reply | undefined)[]> {
    return Promise.all(works.map((work) => this.ask(work)));
  }

  async upload(bytes: number, halfway: () => Promise<void>): Promise<Reply | undefined> {
    const half = bytes >> 1;
    const reply = this.ask(`/upload?bytes=${bytes}`);
    this.sendBytes(Buffer.alloc(half));
    await halfway();
    this.sendBytes(Buffer.alloc(bytes - half));
    return reply;
  }

  destroy(): void {
    this.cut();
    this.#next?.destroy();
  }

  /** A text message of the server. */
  protected heard(text: string): void {
    const message = JSON.parse(text) as Message & MessagePeer['draining'] & { draining?: true };
    if (message.draining) this.draining = message;
    else this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }

  protected heardBytes(bytes: number): void {
    this.#blob += bytes;
  }

  /** The connection has ended. */
  protected ended(): void {
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }

  protected async request(work: string): Promise<Reply | undefined> {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const answered = new Promise<Message | undefined>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.sendText(`${work} ${id}`);
    // What is sent after the farewell may cross the close: the client knows that it was not taken.
    const knew = this.told;
    const message = await answered;
    if (!message) return knew || this.wasCancelled ? refused('1') : undefined;
    return {
      status: message.status,
      text: message.text,
      bytes: this.#blob || message.bytes,
      retryAfter: /retry (\d+)/.exec(message.text)?.[1],
      last: this.told,
    };
  }
}

export const refused = (retryAfter: string | undefined): Reply => ({
  status: 503,
  text: '',
  bytes: 0,
  retryAfter,
  last: true,
});
