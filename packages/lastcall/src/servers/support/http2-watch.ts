import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Http2Drain } from './http2-drain.ts';
import { Session } from './http2-session.ts';
import type { LastAccept } from './last-accept.ts';

const SESSION = Symbol('lastcall.session');

type Emit = (event: string, ...args: unknown[]) => boolean;

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
  const emit = server.emit.bind(server) as Emit;
  /** The socket for which node:http2 makes a session just now. */
  let connecting: Socket | undefined;
  server.emit = ((event: string, ...args: unknown[]): boolean => {
    if (event === 'session' && connecting)
      drain.open(new Session(args[0] as ServerHttp2Session, connecting));
    if (event !== connected) return emit(event, ...args);
    const socket = args[0] as Socket;
    connecting = socket;
    const heard = emit(event, ...args);
    connecting = undefined;
    if (secure) drain.shaken(socket);
    return heard;
  }) as Emit;
}

/** Counts a stream of a watched server until it has closed. */
export function beginStream(drain: Http2Drain, stream: ServerHttp2Stream): void {
  (stream as Held)[SESSION] = drain.begin(stream.session);
  stream.on('close', endStream);
}

/** One function for all streams: a closure for each makes a request dearer by a tenth. */
function endStream(this: ServerHttp2Stream): void {
  (this as Held)[SESSION]?.end();
}
