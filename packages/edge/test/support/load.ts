import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What clients saw that retry nothing. */
export interface Account {
  sent: Record<string, number>;
  failed: string[];
}

const BODY = Buffer.alloc(64 * 1024, 'x');

interface Kind {
  path: string;
  method?: string;
  body?: Buffer;
  whole: (text: string) => boolean;
}

const KINDS: Record<string, Kind> = {
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
export function startLoad(
  url: string,
  keepAlive: boolean,
): { account: Account; stop(): Promise<Account> } {
  const account: Account = { sent: {}, failed: [] };
  const ended = new AbortController();
  const clients = Object.entries(KINDS).flatMap(([name, kind]) =>
    Array.from({ length: 4 }, async () => {
      const agent = new http.Agent({ keepAlive, maxSockets: 1 });
      while (!ended.signal.aborted) {
        account.sent[name] = (account.sent[name] ?? 0) + 1;
        const fault = await ask(url, kind, agent);
        if (fault === undefined) continue;
        account.failed.push(`${name}: ${fault}`);
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

/** undefined: the whole answer came. */
function ask(
  url: string,
  { path, method = 'GET', body, whole }: Kind,
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
          response.statusCode === 200 && whole(text)
            ? undefined
            : `${response.statusCode} after ${text.length} bytes`,
        ),
      );
      response.once('error', (error) => resolve(`cut: ${error.message}`));
    });
    request.end(body);
  });
}
