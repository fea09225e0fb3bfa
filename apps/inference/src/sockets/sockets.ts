import type { IncomingMessage, Server } from 'node:http';
import type { Lifecycle } from 'lastcall';
import { attachWs } from 'lastcall/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { clientId } from '../http/identity.ts';
import type { LastMoments } from '../http/last-moments.ts';
import { taskTopic, type TaskStore } from '../tasks/store.ts';
import { Feed } from './feed.ts';

const path = '/v1/tasks/socket';
const messageMaxBytes = 4 * 1024;
const tryAgainLater = 1013;

export interface SocketParts {
  readonly lifecycle: Lifecycle;
  readonly lastMoments: LastMoments;
}

const clientOf = ({ url = '' }: IncomingMessage): string | undefined =>
  clientId.safeParse(new URL(url, 'http://localhost').searchParams.get('client')).data;

/**
 * `ws://.../v1/tasks/socket?client=ID`: a client is told the states, progress and results of its
 * tasks, whichever worker runs them and whichever it is connected to. Call it before `listen`;
 * `serve` when the database is there.
 */
export class TaskSockets {
  readonly #feeds = new Map<WebSocket, Feed>();
  readonly #peers;
  readonly #lastMoments: LastMoments;
  #store: TaskStore | undefined;

  constructor(server: Server, { lifecycle, lastMoments }: SocketParts) {
    this.#lastMoments = lastMoments;
    const wss = new WebSocketServer({
      server,
      path,
      maxPayload: messageMaxBytes,
      verifyClient: ({ req }, answer) =>
        clientOf(req) === undefined
          ? answer(false, 400, 'expected ?client=ID, 1 to 200 printable characters')
          : answer(true),
    });
    this.#peers = attachWs(lifecycle, wss, {
      tell: (socket, { reconnectAfterMs, owed }) =>
        socket.send(
          JSON.stringify({ type: 'closing', owed, reconnect_after_ms: reconnectAfterMs }),
        ),
    });
    // Errors of the HTTP server come here too; who called `listen` is told of them.
    wss.on('error', () => undefined);
    // What was begun while this worker drained, and would promise nothing, is promised now.
    lifecycle.onResume('task sockets', () => this.#catchUp());
    wss.on('connection', (socket, request) => this.#connected(socket, clientOf(request) ?? ''));
  }

  serve(store: TaskStore): void {
    this.#store = store;
    store.handover.listen(taskTopic, (text) => {
      if (text === undefined) this.#catchUp();
      else {
        const [id = '', client] = text.split(' ');
        for (const feed of this.#feeds.values()) if (feed.client === client) feed.follow(id);
      }
    });
  }

  #catchUp(): void {
    for (const feed of this.#feeds.values()) void feed.catchUp();
  }

  #connected(socket: WebSocket, client: string): void {
    const store = this.#store;
    if (!store) {
      socket.close(tryAgainLater, 'The server is starting');
      return;
    }
    const feed = new Feed(client, socket, {
      store,
      peers: this.#peers,
      lastMoments: this.#lastMoments,
    });
    this.#feeds.set(socket, feed);
    socket.on('message', (data: Buffer) => feed.heard(data.toString()));
    socket.once('close', () => this.#feeds.delete(socket));
    void feed.catchUp();
  }
}
