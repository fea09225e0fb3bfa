import { beginRollout, endRollout, rolloutWants } from './core/change.ts';
import { isLive, type NodeState, type RolloutResult } from './core/model.ts';
import type { Config } from './config/load.ts';
import type { Launch } from './process/launch.ts';
import { type Listeners, wantedAddresses } from './sockets/listeners.ts';
import { availableParallelism } from 'node:os';

export type ReloadResult = Pick<RolloutResult, 'ok' | 'message'>;

export interface GenerationsOptions {
  node: NodeState;
  config: Config;
  /** Reads the configuration again. Throws what is wrong with it. */
  readConfig: () => Config;
  listeners: Listeners;
  say: (line: string) => void;
}

export const workerCount = ({ workers }: Config): number =>
  workers === 'auto' ? availableParallelism() : workers;

/** What each generation of workers is made from, and who waits for a reload. */
export class Generations {
  /** result -> how many reloads ended so. */
  readonly results = { done: 0, discarded: 0 };
  readonly #options: GenerationsOptions;
  readonly #launches = new Map<number, Launch>();
  /** Who waits for a reload that has not begun, and who for the one under way. */
  readonly #waiting: PromiseWithResolvers<ReloadResult>[] = [];
  readonly #served: PromiseWithResolvers<ReloadResult>[] = [];
  #settled: RolloutResult | undefined;

  constructor(options: GenerationsOptions) {
    this.#options = options;
  }

  /** Binds the sockets of the first generation. Throws when one cannot be bound. */
  open(): void {
    const { node, config } = this.#options;
    this.#add(node.generation, config);
  }

  launch(generation: number): Launch {
    return this.#launches.get(generation)!;
  }

  /** The generation that has proved itself. */
  get current(): Launch {
    return this.launch(this.#options.node.generation);
  }

  /** The generation that new workers are of. */
  get newest(): Launch {
    const { rollout, generation } = this.#options.node;
    return this.launch(rollout?.generation ?? generation);
  }

  /** Resolves when the next reload to begin has ended. */
  wait(): Promise<ReloadResult> {
    const waiter = Promise.withResolvers<ReloadResult>();
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  reload(reason: string): void {
    const { node, readConfig, say } = this.#options;
    if (node.stopping) return;
    const generation = beginRollout(node, performance.now());
    if (generation === undefined) {
      say(`reload (${reason}) waits for ${node.draining ? 'resume' : 'the one under way'}`);
      return;
    }
    this.#served.push(...this.#waiting.splice(0));
    try {
      const config = readConfig();
      this.#add(generation, config);
      if (config.workers !== this.current.config.workers) rolloutWants(node, workerCount(config));
      say(`reload (${reason}): generation ${generation}`);
    } catch (error) {
      endRollout(node, false, (error as Error).message, performance.now());
      say(`reload failed, the old workers stay: ${(error as Error).message}`);
    }
  }

  /** Tells who waits for a reload that it has ended, and drops what only its workers needed. */
  settle(): void {
    const { node, listeners } = this.#options;
    const result = node.lastReload;
    if (result === undefined || result === this.#settled) return;
    this.#settled = result;
    this.results[result.ok ? 'done' : 'discarded'] += 1;
    for (const waiter of this.#served.splice(0)) waiter.resolve(result);
    // Workers that still drain have copies of their own; the others' generations are kept.
    const live = new Set(node.workers.filter(isLive).map(({ generation }) => generation));
    for (const generation of this.#launches.keys())
      if (
        generation !== node.generation &&
        generation !== node.rollout?.generation &&
        !live.has(generation)
      )
        this.#launches.delete(generation);
    const needed = [...this.#launches.values()].flatMap((launch) => launch.listeners);
    if (!node.stopping) listeners.keepOnly(new Set(needed));
  }

  /** The node ends: nothing that is still waited for will happen. */
  end(reason: string): void {
    for (const waiter of [...this.#served, ...this.#waiting])
      waiter.resolve({ ok: false, message: reason });
  }

  #add(generation: number, config: Config): void {
    const listeners = this.#options.listeners.open(wantedAddresses(config, process.env));
    this.#launches.set(generation, { generation, config, listeners });
  }
}
