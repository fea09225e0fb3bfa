// What a server offers, guessed by asking it, when there is no drill.yaml. Nothing is asked that could stop it.
import type { RouteName } from '../config/needs.ts';
import { type DrillConfig, schema } from '../config/schema.ts';
import type { Exchange } from '../engine/account.ts';
import { nowMs, until } from '../engine/clock.ts';
import { Context } from '../engine/context.ts';
import { freePort, listeningPorts } from '../engine/ports.ts';
import { DrillError } from '../case.ts';

export interface Guess {
  readonly config: DrillConfig;
  /** One line for each thing found. */
  readonly found: readonly string[];
}

interface Try {
  readonly paths: readonly string[];
  readonly method?: string;
  readonly body?: string;
  /** True when this answer is what such a route gives. */
  readonly fits: (answer: Exchange, ms: number) => boolean;
  /** True when nothing but its status tells such an answer from any other. */
  readonly plain?: true;
}

const ok = (answer: Exchange): boolean => answer.status === 200;

/** Asked for 300 ms, which neither an answer at once nor one without an end gives. */
const lasts = (ms: number): boolean => ms > 250 && ms < 1500;

const tries: Readonly<Partial<Record<RouteName, Try>>> = {
  fast: { paths: ['/fast', '/', '/hello', '/ping', '/health', '/healthz'], fits: ok, plain: true },
  // Not a health check as well: one that only says that the process lives stays true while it drains.
  ready: { paths: ['/ready', '/readyz', '/health/ready'], fits: ok, plain: true },
  live: {
    paths: ['/health', '/healthz', '/livez', '/live', '/health/live'],
    fits: ok,
    plain: true,
  },
  metrics: { paths: ['/metrics'], fits: ok, plain: true },
  slow: {
    paths: ['/slow?ms={ms}', '/delay?ms={ms}', '/sleep?ms={ms}'],
    fits: (answer, ms) => ok(answer) && lasts(ms),
  },
  stream: {
    paths: ['/stream?ms={ms}', '/sse?ms={ms}', '/events?ms={ms}'],
    fits: (answer, ms) =>
      ok(answer) &&
      lasts(ms) &&
      (answer.headers.get('content-type') ?? '').startsWith('text/event-stream'),
  },
  large: {
    paths: ['/large?bytes={bytes}', '/bytes?bytes={bytes}'],
    fits: (answer) => ok(answer) && answer.bodyBytes >= 3_000_000,
  },
  upload: {
    paths: ['/upload'],
    method: 'POST',
    body: 'x'.repeat(1000),
    fits: (answer) => answer.status >= 200 && answer.status < 300,
    plain: true,
  },
  trailers: {
    paths: ['/trailers?ms={ms}'],
    fits: (answer) => ok(answer) && answer.trailers.size > 0,
  },
  websocket: { paths: ['/ws', '/websocket', '/socket'], fits: (answer) => answer.status === 101 },
  status: {
    paths: ['/shutdown/status'],
    fits: (answer) => ok(answer) && answer.text.includes('is_shutting_down'),
  },
  count: {
    paths: ['/v1/streams/active-count'],
    fits: (answer) => ok(answer) && answer.text.includes('active_streams'),
  },
};

const upgrade = {
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'ZHJpbGxkcmlsbGRyaWxsZA==',
};

/** Starts the command, finds its port and asks for the usual routes. */
export async function guessConfig(command: readonly string[], cwd: string): Promise<Guess> {
  const base = { ...schema.parse({ command: [...command] }), cwd };
  const found: string[] = [];
  const ports = { http: await freePort(base.host) };
  const ctx = new Context({ config: base, seed: 1, clients: 1 });
  try {
    const fixed = await portOf(ctx, ports);
    found.push(
      fixed === undefined ? 'it listens on $PORT' : `it listens on the fixed port ${fixed}`,
    );
    const routes = await findRoutes(ctx, fixed ?? ports.http);
    for (const [name, text] of Object.entries(routes)) found.push(`routes.${name}: ${text}`);
    found.push(
      `assumed: stopSignal ${base.stopSignal}; grace ${base.grace / 1000}s, in which work in flight may finish ` +
        'before the server ends all the same. A drill.yaml can say otherwise.',
    );
    const config = schema.parse({
      command: [...command],
      ...(fixed === undefined ? {} : { ports: { http: fixed } }),
      routes: { ...routes, ...(routes.status === undefined ? {} : contract) },
    });
    if (config.routes.fast === undefined) {
      throw new DrillError(
        'NOTHING_FOUND',
        'no route that answers 200 was found by probing. Write a drill.yaml with `command` and ' +
          '`routes.fast` (and more), and give it with --config.',
      );
    }
    return { config: { ...config, cwd }, found };
  } finally {
    await ctx.end();
  }
}

/** The rest of the contract cannot be tried out without stopping the server; its status tells that it is there. */
const contract = {
  drain: 'POST /-/shutdown/drain',
  wait: '/shutdown/wait',
  initiate: 'POST /shutdown/initiate',
  reset: 'POST /shutdown/reset',
};

/** How long after its first listener a server may open the one that it was told of. */
const othersMs = 1500;

/** The server's own port when it does not listen on the one it was told; undefined when it does. */
async function portOf(ctx: Context, ports: { http: number }): Promise<number | undefined> {
  const target = await ctx.start({ ports, wait: false });
  const ended = (): boolean => target.exit !== undefined || target.startFailed;
  const listening = (): number[] => (ended() ? [] : listeningPorts(target.processes()));
  const some = (): true | undefined => (ended() || listening().length > 0 ? true : undefined);
  await until(some, ctx.config.readyWithin);
  // Metrics, say, may have a listener of their own that opens before the one on $PORT.
  const told = (): boolean => listening().includes(ports.http);
  const isTold = await until(() => (told() || ended() ? told() : undefined), othersMs);
  if (isTold === true) return undefined;
  for (const port of listening()) {
    const options = { portNumber: port, ms: 1000 };
    const answer = await ctx.ask({ method: 'GET', path: '/' }, options).catch(() => undefined);
    if (answer !== undefined && answer.status > 0) return port;
  }
  // The usual start says plainly what is wrong: it exited early, or never listened.
  await target.destroy();
  await ctx.start({ ports });
  return undefined;
}

async function findRoutes(ctx: Context, port: number): Promise<Partial<Record<RouteName, string>>> {
  const routes: Partial<Record<RouteName, string>> = {};
  const usual = await anyAnswer(ctx, port);
  for (const [name, attempt] of Object.entries(tries)) {
    for (const path of attempt.paths) {
      const answer = await fitting(ctx, port, name, attempt, path);
      // Of a server that answers every path alike only its root says anything.
      const known = name === 'fast' && path === '/';
      const alike = (one: Exchange): boolean =>
        usual.has(told(one)) || (attempt.plain === true && usual.has(inShort(one)));
      if (answer !== undefined && (known || !alike(answer))) {
        routes[name as RouteName] =
          attempt.method === undefined ? path : `${attempt.method} ${path}`;
        break;
      }
    }
  }
  return routes;
}

const nothing = '/lastcall-drill-asks-for-nothing';

/** What a server says to a path of which it cannot know anything, and in short where it says it in ever other words. */
async function anyAnswer(ctx: Context, port: number): Promise<Set<string>> {
  const answers = new Set<string>();
  for (const how of [{ method: 'GET' }, { method: 'POST', body: tries.upload?.body ?? '' }]) {
    for (const path of [nothing, `${nothing}-again`]) {
      const request = { ...how, path };
      const answer = await ctx.ask(request, { ms: 2000, portNumber: port }).catch(() => undefined);
      if (answer === undefined) continue;
      if (path !== nothing && !answers.has(told(answer))) answers.add(inShort(answer));
      answers.add(told(answer));
    }
  }
  return answers;
}

const inShort = ({ method, status }: Exchange): string => `${method} ${status}`;

/** An answer without the path it may repeat. */
const told = (answer: Exchange): string =>
  `${inShort(answer)} ${answer.text.replaceAll(answer.path, '')}`;

/** The answer, when it is what such a route gives. */
async function fitting(
  ctx: Context,
  port: number,
  name: string,
  attempt: Try,
  path: string,
): Promise<Exchange | undefined> {
  const startMs = nowMs();
  const answer = await ctx
    .ask(
      {
        method: attempt.method ?? 'GET',
        path: path.replace('{ms}', '300').replace('{bytes}', '3000000'),
        ...(attempt.body === undefined ? {} : { body: attempt.body }),
        ...(name === 'websocket' ? { headers: upgrade } : {}),
      },
      { ms: 2000, portNumber: port },
    )
    .catch(() => undefined);
  // An answer that has not ended by now may never do so.
  return answer?.outcome === 'answered' && attempt.fits(answer, nowMs() - startMs)
    ? answer
    : undefined;
}
