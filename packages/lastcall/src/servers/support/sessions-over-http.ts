import type { IncomingMessage, Server } from 'node:http';
import type { Lifecycle } from '../../lifecycle/lifecycle.ts';

const BELONGS = Symbol('lastcall.belongs');

type Belongs = (request: IncomingMessage) => boolean;

interface Marked extends Server {
  [BELONGS]?: Belongs[];
}

/** What the adapters of sessions over `server` have said with `passSessions`, also later on. */
export function sessionsOver(server: Server): readonly Belongs[] {
  return ((server as Marked)[BELONGS] ??= []);
}

/**
 * Requests for which `belongs` holds are part of a session that another adapter counts (a WebSocket,
 * long polling): the server passes them on and holds them for no work of its own.
 */
export function passSessions(server: Server, belongs: Belongs): void {
  ((server as Marked)[BELONGS] ??= []).push(belongs);
}

export const belongsToSession = (sessions: readonly Belongs[], request: IncomingMessage): boolean =>
  sessions.some((belongs) => belongs(request));

/** New sessions are taken until the lifecycle drains. */
export const takesSessions = ({ state }: Lifecycle): boolean =>
  state === 'ready' || state === 'starting' || state === 'leaving';
