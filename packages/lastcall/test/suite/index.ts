/*
 * The behaviour suite: one list of behaviours with stable names, run against a real server process
 * through real sockets, for every adapter.
 *
 *   import { behaves, http1 } from '../suite/index.ts';
 *   behaves('fastify', { fixture: 'fastify.ts', driver: http1 }, { pipelined: 'why not' });
 *
 * An adapter brings
 * - a fixture in test/adapters/fixtures/: a server that offers the works below. It begins with
 *   `const host = hostLifecycle()` (suite/host.ts) and ends with `host.listening(port)`;
 * - a driver (suite/peer.ts): how a client of its protocol asks for work. `http1` is in
 *   suite/http1.ts (`http1Tls` over TLS); another protocol writes its own and maps its words to a
 *   `Reply`: status 200, 500 for an error of the application, 503 for refused work, and
 *   `retryAfter` for what tells the client to come back;
 * - its gaps: behaviour -> reason. A gap is run too: when it holds after all, the run fails, so that
 *   the list stays true. A driver throws for what its protocol does not have.
 *
 * The works, by name (the path of an HTTP route, the first word of a message, a method):
 *   /               answers `ok`
 *   /slow?ms=N      prints `working`, answers `slow` after N ms (200)
 *   /large          prints `working`, answers 32 MiB
 *   /stream?ms=N    prints `working`, sends 10 events over N ms, then `data: done`
 *   /upload         prints `working`, reads to the end, answers the number of bytes
 *   /hang           prints `hanging`, never answers; prints `aborted CODE` when its signal aborts
 *   /polite         prints `polite`, sends `begun`, and when its signal aborts `final`, and ends
 *   /fail           the application's own error
 * `working()`, `hanging(lease)` and the other helpers of suite/host.ts print those lines.
 *
 * Run: node --test packages/lastcall/test/adapters/NAME.test.ts. REPEAT=20 runs the list 20 times.
 */
export { behaves, type Subject } from './behaves.ts';
export { BEHAVIOURS, type BehaviourName } from './behaviours.ts';
export { behavesAsFramework } from './frameworks.ts';
export { http1, http1Tls } from './http1.ts';
export type { Driver, Peer, Reply, Vandals } from './peer.ts';
