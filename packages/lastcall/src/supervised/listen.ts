import type { AddressInfo, Server } from 'node:net';
import { balanceAccepts, parseShares, type Shares } from './balance.ts';

/** One inherited socket: bound by the supervisor, listened on by the workers. */
export interface InheritedSocket {
  fd: number;
  /** Host and port, or the path of a unix socket. */
  host?: string;
  port?: number;
  path?: string;
}

interface Starting {
  readonly state: string;
  when(state: 'ready'): Promise<unknown>;
}

let sockets: InheritedSocket[] | undefined;
let supervised = false;
let single = false;
let shares: Shares | undefined;
const servers = new Set<Server>();
/** The inherited address of each server that has begun to listen. */
const addresses = new Map<Server, string>();

/** The sockets that came with `LASTCALL_SOCKETS`, each given to one server. Read once. */
function inherited(): InheritedSocket[] {
  if (!sockets) {
    const text = process.env.LASTCALL_SOCKETS;
    sockets = text === undefined ? [] : (JSON.parse(text) as InheritedSocket[]);
    supervised = sockets.length > 0;
    single = sockets.length === 1;
    // A program that the application starts has not inherited the sockets.
    delete process.env.LASTCALL_SOCKETS;
    shares = parseShares(process.env.LASTCALL_SHARES);
    delete process.env.LASTCALL_SHARES;
  }
  return sockets;
}

/** Whether a supervisor holds the sockets of this process, and none for that port. */
export const lacksPort = (port: number): boolean =>
  inherited().every((socket) => socket.port !== port) && supervised;

/** Servers that listen on inherited sockets, in the order they were attached. */
export const supervisedServers = (): readonly Server[] => [...servers];

/** Names the inherited socket of a server, alike in all workers of the node; `undefined` for others. */
export const addressKey = (server: Server): string | undefined => addresses.get(server);

/** The server of this process that serves on an inherited socket. */
export function serverAt(key: string): Server | undefined {
  for (const [server, address] of addresses) if (address === key) return server;
  return undefined;
}

/**
 * Makes the first `server.listen(...)` use an inherited socket instead of the address it names, and
 * begin to accept only when the lifecycle is ready: until then the older workers on the same socket
 * take every connection. Its callback and `listening` come at once, as usual, and `address()`
 * answers the inherited address. Does nothing when the process has no supervisor. `named`: it takes
 * a socket of the port or path that it names, and no other.
 */
export function inheritListen(
  lifecycle: Starting,
  server: Server,
  { named = false }: { named?: boolean } = {},
): void {
  if (inherited().length === 0) return;
  if (!named) servers.add(server);
  server.listen = function listen(this: Server, ...args: unknown[]): Server {
    const socket = take(wanted(args), named);
    Reflect.deleteProperty(server, 'listen');
    if (!socket) return server.listen(...(args as Parameters<Server['listen']>));
    const callback = args.findLast((arg): arg is () => void => typeof arg === 'function');
    if (callback) server.once('listening', callback);
    hold(lifecycle, server, socket);
    return server;
  };
}

/** Announces `listening` now and listens when the lifecycle is ready. */
function hold(lifecycle: Starting, server: Server, socket: InheritedSocket): void {
  server.address = () => addressOf(socket);
  addresses.set(server, socket.path ?? `${socket.host}:${socket.port}`);
  const accept = (): void => {
    Reflect.deleteProperty(server, 'address');
    muteListening(server);
    server.listen({ fd: socket.fd });
    if (shares) balanceAccepts(server, shares, () => lifecycle.state === 'ready');
  };
  process.nextTick(() => {
    server.emit('listening');
    if (lifecycle.state === 'ready') accept();
    else if (lifecycle.state === 'starting') lifecycle.when('ready').then(accept, () => undefined);
  });
}

/** Swallows the next `listening`: the application has had its own already. */
function muteListening(server: Server): void {
  const own = Object.hasOwn(server, 'emit');
  const emit = Reflect.get(server, 'emit') as (...args: unknown[]) => boolean;
  server.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== 'listening') return Reflect.apply(emit, server, [event, ...args]);
    if (own) server.emit = emit;
    else Reflect.deleteProperty(server, 'emit');
    return true;
  };
}

/** Which address the application asks for; nothing it says is binding when there is one socket. */
function wanted(args: unknown[]): { port?: number; path?: string } {
  const [first] = args;
  if (typeof first === 'object' && first !== null) {
    const { port, path } = first as { port?: number | string; path?: string };
    return {
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(path === undefined ? {} : { path }),
    };
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { path: first };
  return first === undefined || typeof first === 'function' ? {} : { port: Number(first) };
}

/**
 * The inherited socket with that port or path. Where the supervisor holds one socket only, it is
 * meant whatever the application names, unless that was `named` on purpose.
 */
function take(
  { port, path }: { port?: number; path?: string },
  named: boolean,
): InheritedSocket | undefined {
  const left = inherited();
  const exact = left.findIndex((s) => (path === undefined ? s.port === port : s.path === path));
  if (exact === -1 && (named || !single)) return undefined;
  return left.splice(Math.max(0, exact), 1)[0];
}

function addressOf(socket: InheritedSocket): AddressInfo | string {
  if (socket.path !== undefined) return socket.path;
  const address = socket.host ?? '0.0.0.0';
  return { address, port: socket.port ?? 0, family: address.includes(':') ? 'IPv6' : 'IPv4' };
}
