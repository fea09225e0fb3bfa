// A chat room that can be reloaded while people talk: nobody is disconnected, each message comes once.
import http from 'node:http';
import { createLifecycle } from 'lastcall';
import { attachHttp } from 'lastcall/http';
import { attachWs } from 'lastcall/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { Room } from './room.ts';

const TEXT_MAX_BYTES = 1_000;
/** Who does not read for so long that this much waits is let go. */
const WAITING_MAX_BYTES = 1_000_000;

/** What goes with a person to the next worker: all that this one knows. */
interface Person {
  name: string;
  /** How many of the room's messages have been sent to them. */
  seen: number;
}

const lifecycle = createLifecycle();
const people = new Map<WebSocket, Person>();
const room = new Room(process.env.CHAT_FILE ?? '.lastcall/chat.log', () => {
  for (const [socket, person] of people) tell(socket, person);
});

const server = attachHttp(
  lifecycle,
  http.createServer((_, response) =>
    response.end(`${people.size} people are talking to worker ${process.pid}\n`),
  ),
);
const wss = new WebSocketServer({
  server,
  maxPayload: TEXT_MAX_BYTES,
  perMessageDeflate: false,
});
const ws = attachWs(lifecycle, wss);

// A person who comes in.
wss.on('connection', (socket, request) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://chat');
  const person = { name: searchParams.get('name') ?? 'somebody', seen: room.said.length };
  socket.send(JSON.stringify({ welcome: person.name, next: person.seen }));
  seat(socket, person);
});

// A person whom another worker has given to this one, connection and all.
ws.onMoved<Person>('person', ({ socket, state }) => seat(socket, state));

function seat(socket: WebSocket, person: Person): void {
  ws.movable(socket, { kind: 'person', freeze: () => person });
  people.set(socket, person);
  socket.on('close', () => people.delete(socket));
  socket.on('message', (data) => room.say(person.name, (data as Buffer).toString()));
  // What was said while they were on their way.
  tell(socket, person);
}

function tell(socket: WebSocket, person: Person): void {
  for (const message of room.said.slice(person.seen)) socket.send(message);
  person.seen = room.said.length;
  if (socket.bufferedAmount > WAITING_MAX_BYTES) socket.terminate();
}

lifecycle.handleSignals();
server.listen({ port: Number(process.env.PORT ?? 8080), backlog: 4_096 }, () => lifecycle.ready());
