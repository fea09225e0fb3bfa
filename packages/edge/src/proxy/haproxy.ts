import { connect } from 'node:net';
import { EdgeError } from '../errors.ts';
import { mayBeOut, type Proxy, type ServerState } from './driver.ts';
import { noServer } from './nginx.ts';
import { until } from './wait.ts';

/** Bits of srv_admin_state (HAProxy management guide, "show servers state"): forced maintenance and drain. */
const TAKEN_OUT = 0x01 | 0x08;
const COMMAND_MS = 5_000;

/** Drains servers over HAProxy's runtime socket; no reload, and the file stays as it is. */
export class Haproxy implements Proxy {
  readonly name: string;
  readonly #backend: string;
  readonly #socket: string;

  constructor(backend: string, socket: string) {
    this.name = `haproxy backend ${backend}`;
    this.#backend = backend;
    this.#socket = socket;
  }

  async servers(): Promise<ServerState[]> {
    const [stat, admin] = await Promise.all([
      this.#ask('show stat'),
      this.#ask(`show servers state ${this.#backend}`),
    ]);
    const [head = '', ...rows] = stat.replace(/^# /, '').trim().split('\n');
    const names = head.split(',');
    const adminStates = new Map(
      admin
        .split('\n')
        .map((row) => row.split(' '))
        .filter((fields) => fields[1] === this.#backend)
        .map((fields) => [fields[3] ?? '', Number(fields[6])]),
    );
    const servers = rows
      .map((row) => Object.fromEntries(row.split(',').map((value, i) => [names[i], value])))
      .filter(({ pxname, svname }) => pxname === this.#backend && adminStates.has(svname ?? ''));
    if (servers.length === 0)
      throw new EdgeError(
        'ERR_EDGE_UPSTREAM',
        `HAProxy has no backend ${this.#backend} with servers.`,
      );
    return servers.map(({ svname = '', status = '', weight, scur, qcur }) => ({
      server: svname,
      // With a weight of 0 it gets nothing new.
      inService: (status.startsWith('UP') || status === 'no check') && Number(weight) > 0,
      takenOut: ((adminStates.get(svname) ?? 0) & TAKEN_OUT) !== 0,
      sessions: Number(scur) + Number(qcur),
    }));
  }

  /** It answers for itself. */
  trouble(): undefined {
    return undefined;
  }

  takeOut(server: string): Promise<void> {
    return this.#set(server, 'drain', true);
  }

  putBack(server: string): Promise<void> {
    return this.#set(server, 'ready', false);
  }

  settle(server: string, withinMs: number): Promise<boolean> {
    return until(async () => (await this.#find(server)).sessions === 0, withinMs);
  }

  async #set(server: string, state: 'drain' | 'ready', out: boolean): Promise<void> {
    const before = await this.#find(server);
    let sent = false;
    let answer: string;
    let after: ServerState | undefined;
    try {
      answer = await this.#ask(this.#stateCommand(server, state), () => {
        sent = true;
      });
      if (answer.trim() === '') after = await this.#find(server);
    } catch (error) {
      // What was out before stays so; whoever puts a server back asks for that again.
      if (!sent || !out || before.takenOut) throw error;
      throw await this.#undone(server, error as Error);
    }
    if (!after)
      throw new EdgeError(
        'ERR_EDGE_PROXY',
        `HAProxy refused: ${answer.trim()}. Nothing was changed.`,
      );
    // An end of the connection without an answer looks like its empty answer.
    if (after.takenOut !== out)
      throw new EdgeError(
        'ERR_EDGE_PROXY',
        `HAProxy did not set ${this.#backend}/${server} to ${state}. lastcall node status shows what it is.`,
      );
  }

  /** Puts a server back that `error` leaves perhaps out; returns what is to be thrown then. */
  async #undone(server: string, error: Error): Promise<EdgeError> {
    try {
      await this.#ask(this.#stateCommand(server, 'ready')).catch(() => {});
      if ((await this.#find(server)).takenOut) return mayBeOut(this.name, server, error);
    } catch {
      return mayBeOut(this.name, server, error);
    }
    return new EdgeError(
      'ERR_EDGE_PROXY',
      `${server} was to be taken out: ${error.message} It is in service as it was.`,
      { server },
      { cause: error },
    );
  }

  #stateCommand(server: string, state: 'drain' | 'ready'): string {
    return `set server ${this.#backend}/${server} state ${state}`;
  }

  async #find(server: string): Promise<ServerState> {
    const found = (await this.servers()).find((state) => state.server === server);
    if (!found) throw noServer(this.name, server);
    return found;
  }

  #ask(command: string, onSent: () => void = () => {}): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const socket = connect(this.#socket);
    let text = '';
    socket.setTimeout(COMMAND_MS, () => socket.destroy(new Error('no answer')));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.once('connect', () => {
      onSent();
      socket.end(`${command}\n`);
    });
    socket.once('end', () => resolve(text));
    socket.once('error', (error) =>
      reject(
        new EdgeError(
          'ERR_EDGE_PROXY',
          `HAProxy does not answer on ${this.#socket}: ${error.message}. Is it running, with "stats socket ${this.#socket} level admin"?`,
          { socket: this.#socket },
          { cause: error },
        ),
      ),
    );
    return promise;
  }
}
