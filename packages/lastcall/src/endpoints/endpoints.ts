import { LastcallError } from '../errors.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { METRICS_CONTENT_TYPE } from '../telemetry/exposition.ts';
import { Access, type Caller } from './access.ts';
import * as answers from './answers.ts';
import type { Answer } from './answers.ts';
import type { NodeControl } from './node.ts';
import { localNode } from './node.ts';

/** A call of one of the contract's routes. */
export interface Call extends Caller {
  method: string;
}

interface Route {
  methods: readonly string[];
  operator?: true;
  answer(call: Call): Answer | Promise<Answer>;
}

/** The contract's routes. Knows no framework: adapters ask `match`, call `answer` and write it out. */
export class Endpoints {
  readonly #lifecycle: Lifecycle;
  readonly #node: NodeControl;
  readonly #access: Access;
  readonly #routes: ReadonlyMap<string, Route>;
  /** Whether one begins with this letter: a look at it is dearer, since a target's text has no hash yet. */
  readonly #initials: readonly boolean[];

  constructor(lifecycle: Lifecycle, admin: boolean, node = localNode(lifecycle)) {
    this.#lifecycle = lifecycle;
    this.#node = node;
    this.#access = new Access(lifecycle.options);
    const routes = new Map<string, Route>([
      ['/health', { methods: READ, answer: () => this.#health() }],
      ['/v1/health', { methods: READ, answer: () => this.#healthDetails() }],
      ['/startup', { methods: READ, answer: () => this.#startup() }],
      ['/ready', { methods: READ, answer: () => this.#ready() }],
      ['/shutdown/status', { methods: READ, answer: () => this.#status() }],
      ['/v1/streams/active-count', { methods: READ, answer: () => this.#activeCount() }],
      ['/shutdown/initiate', { methods: WRITE, operator: true, answer: () => this.#initiate() }],
      ['/shutdown/wait', { methods: EITHER, operator: true, answer: (call) => this.#wait(call) }],
      ['/shutdown/reset', { methods: WRITE, operator: true, answer: () => this.#reset() }],
      ['/-/shutdown/drain', { methods: WRITE, operator: true, answer: () => this.#drain() }],
    ]);
    if (admin || lifecycle.options.metricsOn === 'service')
      routes.set('/metrics', { methods: READ, answer: () => this.#metrics() });
    this.#routes = routes;
    this.#initials = initialsOf(routes.keys());
  }

  /** The route of a request target, or undefined. Runs for every request, so it does little. */
  match(asked: string | undefined): Route | undefined {
    if (asked === undefined || asked.length < 2) return undefined;
    if (!this.#initials[asked.charCodeAt(1)]) return undefined;
    // Kubelets before 1.25 put a second slash before the path of a hook.
    const target = asked.startsWith('//') ? asked.slice(1) : asked;
    const route = this.#routes.get(target);
    if (route) return route;
    const query = target.indexOf('?');
    return query === -1 ? undefined : this.#routes.get(target.slice(0, query));
  }

  /** Answers a call. Never throws: what goes wrong inside is answered with 500. */
  async answer(route: Route, call: Call): Promise<Answer> {
    if (!route.methods.includes(call.method)) return answers.notAllowed(route.methods.join(', '));
    if (route.operator && !this.#access.isOperator(call)) return answers.forbidden;
    try {
      return await route.answer(call);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return { status: 500, body: { detail } };
    }
  }

  async #health(): Promise<Answer> {
    const status = await this.#node.status();
    return {
      status: 200,
      body: {
        status: 'healthy',
        version: this.#lifecycle.options.version,
        shutting_down: answers.isStopping(status),
        active_streams: status.inFlight,
      },
    };
  }

  async #ready(): Promise<Answer> {
    const { storage } = this.#lifecycle.options.info?.() ?? {};
    return answers.readiness(await this.#node.status(), storage?.status !== 'unavailable');
  }

  async #healthDetails(): Promise<Answer> {
    const { info, version } = this.#lifecycle.options;
    const { storage, model_providers } = info?.() ?? {};
    const { inFlight, uptimeMs = performance.now() - this.#lifecycle.startedMs } =
      await this.#node.status();
    return {
      status: 200,
      body: {
        status: 'healthy',
        version,
        uptime_seconds: Math.round(uptimeMs) / 1_000,
        active_streams: inFlight,
        storage: storage ?? { type: 'none', status: 'none' },
        model_providers: model_providers ?? [],
      },
    };
  }

  #startup(): Answer {
    return this.#lifecycle.state === 'starting'
      ? { status: 503, body: { status: 'starting' } }
      : { status: 200, body: { status: 'started' } };
  }

  async #status(): Promise<Answer> {
    const status = await this.#node.status();
    return answers.isStopping(status)
      ? answers.stopping(status)
      : { status: 200, body: { is_shutting_down: false, active_streams: status.inFlight } };
  }

  async #activeCount(): Promise<Answer> {
    return { status: 200, body: { active_streams: (await this.#node.status()).inFlight } };
  }

  async #initiate(): Promise<Answer> {
    const already = answers.isStopping(await this.#node.status());
    const status = await this.#node.begin('initiate', 'POST /shutdown/initiate');
    return answers.initiated(status, already);
  }

  async #drain(): Promise<Answer> {
    return answers.draining(await this.#node.begin('drain', 'POST /-/shutdown/drain'));
  }

  async #wait(call: Call): Promise<Answer> {
    const beganMs = performance.now();
    const result = await this.#node.wait(`${call.method} /shutdown/wait`);
    const { inFlight } = await this.#node.status();
    return answers.waited(result, inFlight, (performance.now() - beganMs) / 1_000);
  }

  async #reset(): Promise<Answer> {
    try {
      const was_shutting_down = await this.#node.reset();
      const message = was_shutting_down
        ? 'The shutdown was undone; the service takes work again'
        : 'There was no shutdown to undo';
      return { status: 200, body: { status: 'reset_complete', message, was_shutting_down } };
    } catch (error) {
      if (!(error instanceof LastcallError)) throw error;
      return { status: 409, body: { status: 'too_late', message: error.message } };
    }
  }

  async #metrics(): Promise<Answer> {
    return {
      status: 200,
      body: await this.#node.metrics(),
      headers: { 'content-type': METRICS_CONTENT_TYPE },
    };
  }
}

const READ = ['GET', 'HEAD'];
const WRITE = ['POST'];
const EITHER = ['GET', 'POST'];

/** For each letter whether a target of one of these begins with it, behind the slash. */
function initialsOf(paths: Iterable<string>): boolean[] {
  const initials = Array.from({ length: 256 }, () => false);
  for (const path of ['//', ...paths]) initials[path.charCodeAt(1)] = true;
  return initials;
}
