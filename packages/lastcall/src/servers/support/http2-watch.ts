import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Http2Drain } from './http2-drain.ts';
import { Session } from './http2-session.ts';
import type { LastAccept } from './last-accept.ts';

const SESSION = Symbol('lastcall.session');

/** A field of the stream, because a WeakMap of short-lived keys makes the garbage collector slow. */
interface Held extends ServerHttp2Stream {
  [SESSION]?: Session | undefined;
}

/** Tells `drain` of each connection of a node:http2 server, secure or cleartext, and of its session. */
export function watchSessions(server: Server, drain: Http2Drain, listener: LastAccept): void {
  const secure = server instanceof TlsServer;
  const connected = secure ? 'secureConnection' : 'connection';
  server.prependListener('connection', (socket: Socket) => {
    listener.note();
    if (secure) drain.handshake(socket);
  });
  /** The socket for which node:http2 makes a session just now, between the two listeners. */
  let connecting: Socket | undefined;
  server.prependListener(connected, (socket: Socket) => {
    connecting = socket;
  });
  server.prependListener('session', (session: ServerHttp2Session) => {
    if (connecting) drain.open(new Session(session, connecting));
  });
  server.on(connected, (socket: Socket) => {
    connecting = undefined;
    if (secure) drain.shaken(socket);
  });
}

/** Counts a stream of a watched server, until `endStream`. */
export function beginStream(drain: Http2Drain, stream: ServerHttp2Stream): void {
  (stream as Held)[SESSION] = drain.begin(stream.session);
}

/** The stream has closed; a second call changes nothing. */
export function endStream(stream: ServerHttp2Stream): void {
  (stream as Held)[SESSION]?.end();
  (stream as Held)[SESSION] = undefined;
}
