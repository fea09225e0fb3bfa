import { mkdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { SupervisorError } from '../errors.ts';
import { NoSupervisor, send } from './client.ts';
import type { ControlReply, ControlRequest } from './protocol.ts';

const LINE_MAX = 64 * 1024;
const UNIX_PATH_MAX = 107;
/** How long whoever listens on the path may take to say whether it is a supervisor. */
const ANSWER_MS = 5_000;
/** How long the answers to what was asked are waited for at the end, and then the clients to read. */
const LAST_ANSWERS_MS = 1_000;

/** Writes one reply; returns how many bytes the client has yet to take. */
export type Reply = (reply: ControlReply) => number;

export type ControlHandler = (
  request: ControlRequest,
  reply: Reply,
  closed: Promise<void>,
) => Promise<unknown>;

/** The control socket: only its owner may connect (mode 0600). */
export class ControlServer {
  readonly #path: string;
  readonly #handler: ControlHandler;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #answering = new Set<Promise<void>>();
  #inode: number | undefined;

  constructor(path: string, handler: ControlHandler) {
    this.#path = path;
    this.#handler = handler;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /**
   * Throws `ERR_SUPERVISOR_RUNNING` when another supervisor answers there, or accepts and says nothing;
   * `ERR_SUPERVISOR_CONFIG` when the path is that of something else, which would be replaced.
   */
  static async expectFree(path: string): Promise<void> {
    const late = AbortSignal.timeout(ANSWER_MS);
    const running = await send(path, { verb: 'status', args: {} }, undefined, late).catch(others);
    if (running === undefined && late.aborted)
      throw new SupervisorError(
        'ERR_SUPERVISOR_RUNNING',
        `What listens on ${path} has not answered for ${ANSWER_MS / 1_000} s: a supervisor that is stopped or hangs, perhaps. End it, or give this one another control socket (--control PATH).`,
      );
    if (!running) return;
    const { pid } = running as { pid: number };
    throw new SupervisorError(
      'ERR_SUPERVISOR_RUNNING',
      `A supervisor (pid ${pid}) already answers on ${path}. Stop it (lastcall stop), or give this one another control socket (--control PATH).`,
    );
  }

  /** Takes the path over from whoever had it: a successor is put in place in one step. */
  async listen(): Promise<void> {
    const draft = `${this.#path}.${process.pid}`;
    if (Buffer.byteLength(draft) > UNIX_PATH_MAX)
      throw new SupervisorError(
        'ERR_SUPERVISOR_CONFIG',
        `control: the path is too long for a unix socket (${UNIX_PATH_MAX} bytes with the pid): ${this.#path}.`,
      );
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      await this.#listenPrivately(draft);
      this.#inode = statSync(draft).ino;
      renameSync(draft, this.#path);
    } catch (error) {
      throw new SupervisorError(
        'ERR_SUPERVISOR_CONFIG',
        `control: cannot listen on ${this.#path}: ${(error as Error).message}.`,
        { cause: error },
      );
    }
  }

  /**
   * Stops to listen, once all that was asked is answered; the path is removed unless a successor has
   * it. No client keeps the process: not one that has asked nothing, nor one that does not read.
   */
  async close(): Promise<void> {
    this.#server.close();
    try {
      if (statSync(this.#path).ino === this.#inode) unlinkSync(this.#path);
    } catch {
      // It has gone already.
    }
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LAST_ANSWERS_MS);
    await Promise.race([Promise.all(this.#answering), late.promise]);
    clearTimeout(timer);
    for (const socket of this.#sockets) {
      socket.destroySoon();
      setTimeout(() => socket.destroy(), LAST_ANSWERS_MS).unref();
    }
  }

  async #listenPrivately(path: string): Promise<void> {
    const listening = new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).once('listening', resolve);
    });
    // The socket is made inside listen(): nobody else can connect between its making and a chmod.
    const before = process.umask(0o177);
    this.#server.listen(path);
    process.umask(before);
    await listening;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => {
        this.#sockets.delete(socket);
        resolve();
      });
    });
    socket.on('error', () => socket.destroy());
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.length > LINE_MAX) socket.destroy();
      const end = text.indexOf('\n');
      if (end === -1) return;
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      const answer = this.#answer(line, socket, closed);
      this.#answering.add(answer);
      void answer.then(() => this.#answering.delete(answer));
    });
  }

  async #answer(line: string, socket: Socket, closed: Promise<void>): Promise<void> {
    const reply: Reply = (message) => {
      if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
      return socket.writableLength;
    };
    try {
      const request = JSON.parse(line) as ControlRequest;
      reply({ ok: true, result: (await this.#handler(request, reply, closed)) ?? null });
    } catch (error) {
      const exitCode = error instanceof SupervisorError ? error.exitCode : 1;
      reply({ ok: false, message: (error as Error).message, exitCode });
    }
    socket.end();
  }
}

/** A supervisor that has gone may be replaced, what belongs to somebody else may not. */
function others(error: unknown): undefined {
  if (error instanceof NoSupervisor)
    throw new SupervisorError('ERR_SUPERVISOR_CONFIG', `control: not free. ${error.message}`, {
      cause: error,
    });
}
