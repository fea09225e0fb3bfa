import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { FlightRecord } from 'lastcall';

const NODE = fileURLToPath(new URL('node.ts', import.meta.url));
/** The client stops sending this long before a node stops taking work, as a good router would. */
export const EARLY_MS = 400;

interface Node {
  child: ChildProcess;
  port: number;
  agent: Agent;
  startMs: number;
}

export interface Times {
  graceMs: number;
  leaveMs: number;
}

/** Real processes behind a client that sends on its own clock, whatever is answered. */
export class Cluster {
  readonly records: FlightRecord[] = [];
  readonly tookMs: number[] = [];
  readonly startsMs: number[] = [];
  failed = 0;
  readonly #times: Times;
  #routable: Node[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(times: Times) {
    this.#times = times;
  }

  async start(nodes: number): Promise<void> {
    this.#routable = await Promise.all(Array.from({ length: nodes }, () => this.#node()));
  }

  /** Sends requests, each of a length that `draw` gives, `gap` milliseconds apart. */
  load(draw: () => number, gap: () => number): void {
    let nextMs = performance.now();
    const send = (): void => {
      while (nextMs <= performance.now()) {
        this.#send(draw());
        nextMs += gap();
      }
      this.#timer = setTimeout(send, Math.max(0, nextMs - performance.now()));
    };
    send();
  }

  /** Replaces every node, one beyond the number wanted; resolves with the time that it took. */
  async roll(): Promise<number> {
    const beganMs = performance.now();
    const ends: Promise<unknown>[] = [];
    for (const old of Array.from(this.#routable)) {
      const node = await this.#node();
      this.#routable.push(node);
      ends.push(this.#retire(old));
    }
    await Promise.all(ends);
    return performance.now() - beganMs;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    for (const { child, agent } of this.#routable) {
      child.kill('SIGKILL');
      await once(child, 'exit');
      agent.destroy();
    }
  }

  async #node(): Promise<Node> {
    const beganMs = performance.now();
    const { graceMs, leaveMs } = this.#times;
    const env = { ...process.env, GRACE_MS: String(graceMs), LEAVE_MS: String(leaveMs) };
    const child = fork(NODE, { env });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    child.on('message', ({ record }: { record: FlightRecord }) => this.records.push(record));
    const startMs = performance.now() - beganMs;
    this.startsMs.push(startMs);
    return { child, port, agent: new Agent({ keepAlive: true }), startMs };
  }

  async #retire(node: Node): Promise<void> {
    node.child.kill('SIGTERM');
    setTimeout(
      () => {
        this.#routable = this.#routable.filter((other) => other !== node);
      },
      Math.max(0, this.#times.leaveMs - EARLY_MS),
    );
    await once(node.child, 'exit');
    node.agent.destroy();
  }

  #send(ms: number): void {
    const node = this.#routable[Math.floor(Math.random() * this.#routable.length)]!;
    const beganMs = performance.now();
    const { port, agent } = node;
    get({ port, host: '127.0.0.1', path: `/${ms.toFixed(1)}`, agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        if (body === 'done') this.tookMs.push(performance.now() - beganMs);
      });
    }).on('error', () => {
      this.failed += 1;
    });
  }
}
