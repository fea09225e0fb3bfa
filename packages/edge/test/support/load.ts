import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What clients saw that retry nothing. */
export interface Account {
  sent: Record<string, number>;
  failed: string[];
}

export interface Running {
  readonly account: Account;
  stop(): Promise<Account>;
}

/** One request of a client; the answer is what went wrong, or undefined. */
export type Ask = (agent: http.Agent) => Promise<string | undefined>;

export interface Call {
  path: string;
  method?: string;
  body?: Buffer;
  /** Whether the whole answer is there. */
  whole: (text: string) => boolean;
  /** The status that is right. Default 200. */
  status?: number;
}

const BODY = Buffer.alloc(64 * 1024, 'x');

const KINDS: Record<string, Call> = {
  quick: { path: '/', whole: (text) => text.startsWith('ok') },
  slow: { path: '/?ms=150', whole: (text) => text.startsWith('ok') },
  stream: { path: '/stream?ms=500', whole: (text) => text.endsWith('data: done\n\n') },
  upload: {
    path: '/upload',
    method: 'POST',
    body: BODY,
    whole: (text) => text === String(BODY.length),
  },
};

/** Mixed load until `stop` is called. `keepAlive`: clients keep their connections between requests. */
export function startLoad(url: string, keepAlive: boolean): Running {
  const account: Account = { sent: {}, failed: [] };
  const asks = Object.entries(KINDS).map(([kind, call]): [string, Ask] => [
    kind,
    (agent) => ask(url, call, agent),
  ]);
  return startClients(account, asks, keepAlive);
}

/** Four clients for each kind, which ask one after another until `stop` is called. */
export function startClients(
  account: Account,
  asks: readonly (readonly [kind: string, ask: Ask])[],
  keepAlive: boolean,
): Running {
  const ended = new AbortController();
  const clients = asks.flatMap(([kind, askOnce]) =>
    Array.from({ length: 4 }, async () => {
      const agent = new http.Agent({ keepAlive, maxSockets: 1 });
      while (!ended.signal.aborted) {
        account.sent[kind] = (account.sent[kind] ?? 0) + 1;
        const fault = await askOnce(agent);
        if (fault === undefined) continue;
        account.failed.push(`${kind}: ${fault}`);
        // A proxy that fails at once would be flooded.
        await sleep(100);
      }
      agent.destroy();
    }),
  );
  return {
    account,
    async stop() {
      ended.abort();
      await Promise.all(clients);
      return account;
    },
  };
}

/** An upload that is under way until `finish` is called, which resolves with the answer. */
export class Upload {
  readonly #request: http.ClientRequest;
  readonly #answer: Promise<string>;

  constructor(url: string) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#answer = promise;
    this.#request = http.request(`${url}/upload`, { agent: false, method: 'POST' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve(text)).once('error', reject);
    });
    this.#request.once('error', reject);
    this.#request.write('half');
  }

  finish(): Promise<string> {
    this.#request.end('half');
    return this.#answer;
  }
}

/** undefined: the whole answer came. */
export function ask(
  url: string,
  { path, method = 'GET', body, whole, status = 200 }: Call,
  agent: http.Agent,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.request(url + path, {
      agent,
      method,
      headers: body ? { 'content-length': body.length } : {},
    });
    request.once('error', (error) =>
      resolve(`${error.message}${request.reusedSocket ? ' (kept connection)' : ''}`),
    );
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () =>
        resolve(
          response.statusCode === status && whole(text)
            ? undefined
            : `${response.statusCode} after ${text.length} bytes`,
        ),
      );
      response.once('error', (error) => resolve(`cut: ${error.message}`));
    });
    request.end(body);
  });
}
