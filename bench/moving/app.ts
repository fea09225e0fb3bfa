// The service whose connections are moved: numbered events over server-sent events and WebSockets.
import http from 'node:http';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { movable, onMoved } from 'lastcall/moving';
import { attachSse, type SseStream } from 'lastcall/sse';
import { attachWs } from 'lastcall/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { sayWhatLeft } from './leaving.ts';
import { firstPosition, type Position, Schedule } from './schedule.ts';

/** What a WebSocket takes along. */
interface Talk extends Position {
  /** The last number that the client has sent, and how often it was not the next one. */
  heard: number;
  faults: number;
}

const lifecycle = createLifecycle({ lingerMaxMs: 500 });
const schedule = new Schedule();
const sse = attachSse(lifecycle, { heartbeatMs: 0 });
const server = attachHttp(
  lifecycle,
  http.createServer((request, response) =>
    stream(sse.open(request, response), response, firstPosition()),
  ),
);
const wss = new WebSocketServer({ server, perMessageDeflate: false });
const ws = attachWs(lifecycle, wss);
const left = sayWhatLeft(lifecycle);

onMoved<Position>('stream', ({ request, response, state }) =>
  stream(sse.open(request, response), response, state),
);
ws.onMoved<Talk>('talk', ({ socket, state }) => talk(socket, state));
wss.on('connection', (socket) => talk(socket, { ...firstPosition(), heard: 0, faults: 0 }));

function stream(events: SseStream, response: http.ServerResponse, position: Position): void {
  movable(response, { kind: 'stream', freeze: () => position });
  const stop = schedule.add({
    position,
    send: (number) => void events.send({ id: number, data: number }),
  });
  response.once('close', () => {
    stop();
    left();
  });
}

function talk(socket: WebSocket, state: Talk): void {
  ws.movable(socket, { kind: 'talk', freeze: () => state });
  const stop = schedule.add({
    position: state,
    send: (number) => socket.send(`${number} ${state.heard} ${state.faults}`),
  });
  socket.on('message', (data) => {
    const number = Number((data as Buffer).toString());
    if (number !== state.heard + 1) state.faults += 1;
    state.heard = number;
  });
  socket.on('close', () => {
    stop();
    left();
  });
}

lifecycle.handleSignals();
server.listen({ port: Number(process.env.PORT), backlog: 4_096 }, () => lifecycle.ready());
