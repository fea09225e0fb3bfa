import type { IncomingMessage, Server } from 'node:http';

const BELONGS = Symbol('lastcall.belongs');

interface Marked extends Server {
  [BELONGS]?: (request: IncomingMessage) => boolean;
}

/**
 * Requests for which `belongs` holds are part of a session that another adapter has admitted and
 * counts (long polling): the server passes them on, also while it refuses work.
 */
export function passSessions(server: Server, belongs: (request: IncomingMessage) => boolean): void {
  (server as Marked)[BELONGS] = belongs;
}

export function belongsToSession(server: Server, request: IncomingMessage): boolean {
  return (server as Marked)[BELONGS]?.(request) ?? false;
}
