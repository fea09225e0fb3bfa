import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Balancer } from './balancer.ts';
import type { Pod } from './pod.ts';

/** A request that did not get its whole answer. */
export interface Failure {
  kind: string;
  path: string;
  fault: 'no_endpoint' | 'broken' | 'refused';
  told: string;
  startedMs: number;
  endedMs: number;
  pod: Pod | undefined;
  /** Whether the pod was still among the endpoints when the request began. */
  inEndpoints: boolean;
}

export interface Load {
  sent: number;
  failures: Failure[];
  /**
   * Sends nothing more. What still runs gets `withinMs` to end; then a request that has no answer is a
   * failure, and a stream that still flows is none.
   */
  stop(withinMs: number): Promise<void>;
}

/** Clients that retry nothing: each connects anew for `paths`, a third of them keep their connections. */
export function startLoad(
  port: number,
  balancer: Balancer,
  paths: readonly string[],
  clients: number,
): Load {
  const ended = new AbortController();
  const over = new AbortController();
  const failures: Failure[] = [];
  const load: Load = { sent: 0, failures, stop };
  const running = paths.flatMap((path) =>
    Array.from({ length: clients }, async (_, i) => {
      const keepAlive = i % 3 === 2;
      const agent = new http.Agent({ keepAlive, maxSockets: 1 });
      const kind = keepAlive ? 'kept connection' : 'new connection';
      while (!ended.signal.aborted) {
        load.sent += 1;
        const failure = await ask(port, path, kind, agent, balancer, over.signal);
        if (failure) failures.push(failure);
        if (!ended.signal.aborted) await sleep(failure ? 50 : 5);
      }
      agent.destroy();
    }),
  );
  async function stop(withinMs: number): Promise<void> {
    ended.abort();
    const timer = setTimeout(() => over.abort(), withinMs);
    await Promise.all(running);
    clearTimeout(timer);
  }
  return load;
}

function ask(
  port: number,
  path: string,
  kind: string,
  agent: http.Agent,
  balancer: Balancer,
  over: AbortSignal,
): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    let clientPort = 0;
    let pod: Pod | undefined;
    let inEndpoints = false;
    let answered = false;
    const fail = (fault: 'broken' | 'refused', told: string): void => {
      pod ??= balancer.routeOf(clientPort);
      const endedMs = performance.now();
      resolve({
        kind,
        path,
        fault: pod ? fault : 'no_endpoint',
        told,
        startedMs,
        endedMs,
        pod,
        inEndpoints,
      });
    };
    const request = http.request({ host: '127.0.0.1', port, path, agent });
    request.once('socket', (socket) => {
      const sent = (): void => {
        clientPort = socket.localPort ?? 0;
        pod = balancer.routeOf(clientPort);
        inEndpoints = pod === undefined || balancer.has(pod);
      };
      if (socket.connecting) socket.once('connect', sent);
      else sent();
    });
    const giveUp = (): void => {
      if (answered) resolve(undefined);
      else fail('broken', 'no answer');
      request.destroy();
    };
    over.addEventListener('abort', giveUp);
    request.once('close', () => over.removeEventListener('abort', giveUp));
    request.once('error', (error) => fail('broken', error.message));
    request.once('response', (response) => {
      answered = true;
      const { statusCode = 0 } = response;
      response.resume();
      response.once('end', () =>
        statusCode < 500 ? resolve(undefined) : fail('refused', String(statusCode)),
      );
      response.once('error', (error) => fail('broken', `cut: ${error.message}`));
    });
    request.end();
  });
}
