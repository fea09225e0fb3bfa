import { EdgeError } from '../errors.ts';

/** A server of an upstream, as the proxy sees it. */
export interface ServerState {
  server: string;
  /** Whether new work is sent to it. */
  inService: boolean;
  /** Whether an operator or a controller took it out, as against a failed health check. */
  takenOut: boolean;
  /** Requests and connections under way; undefined: the proxy does not tell. */
  sessions: number | undefined;
}

/** Whether a take-out that failed may have taken the server out all the same. */
export const isChanged = (error: unknown): boolean =>
  error instanceof EdgeError && error.facts.changed === true;

export const mayBeOut = (name: string, server: string, error: unknown): EdgeError =>
  new EdgeError(
    'ERR_EDGE_PROXY',
    `${server} may be out of ${name} now: ${(error as Error).message} To undo that failed as well; lastcall node status shows what it is.`,
    { server, changed: true },
    { cause: error },
  );

/** A load balancer whose servers are taken out and put back. Both are safe to repeat. */
export interface Proxy {
  /** `nginx upstream app`, for messages. */
  readonly name: string;
  servers(): Promise<ServerState[]>;
  /** Why what `servers` tells may not be what clients get; undefined: it is. */
  trouble(): string | undefined;
  /**
   * Resolves when the proxy has the change. Throws `ERR_EDGE_PROXY`, with nothing changed, unless the fact
   * `changed` says that it may have been: then the server is out, or nobody knows.
   */
  takeOut(server: string): Promise<void>;
  putBack(server: string): Promise<void>;
  /** Waits until no work of before is on its way to the server; false: some was left at the end. */
  settle(server: string, withinMs: number): Promise<boolean>;
}
