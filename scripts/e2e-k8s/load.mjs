// Load on the inference service from clients that retry nothing. Runs inside the cluster, in the
// service's own image: node load.mjs URL. Ends when /tmp/stop is there, and prints its account.
import { existsSync } from 'node:fs';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const url = process.argv[2] ?? 'http://127.0.0.1:8080';
const stopFile = process.env.STOP_FILE ?? '/tmp/stop';
const withTasks = process.env.TASKS === '1';
const prompt = { input: 'The harbour' };

/** kind -> what is asked, and whether the whole answer is there */
const KINDS = {
  answer: {
    body: { ...prompt, max_output_tokens: 8 },
    path: '/v1/responses',
    whole: (text) => JSON.parse(text).status !== 'failed',
  },
  stream: {
    body: { ...prompt, min_output_tokens: 80, max_output_tokens: 80, stream: true },
    path: '/v1/responses',
    whole: (text) => /event: response\.(completed|incomplete)\n/.test(text),
  },
  ...(withTasks && {
    task: {
      body: { ...prompt, max_output_tokens: 40 },
      path: '/v1/tasks',
      status: 202,
      whole: (text) => accepted.push(JSON.parse(text).id) > 0,
    },
  }),
};

const accepted = [];
const account = { sent: {}, failed: [] };
const ended = new AbortController();

/** Resolves to what went wrong, or undefined. */
function ask({ path, body, whole, status = 200 }, agent) {
  return new Promise((resolve) => {
    const request = http.request(url + path, {
      method: body ? 'POST' : 'GET',
      agent,
      headers: body ? { 'content-type': 'application/json' } : {},
    });
    request.once('error', (error) =>
      resolve(`${error.message}${request.reusedSocket ? ' (kept connection)' : ''}`),
    );
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('error', (error) => resolve(`cut: ${error.message}`));
      response.once('end', () => {
        const right = response.statusCode === status && whole(text);
        resolve(right ? undefined : `${response.statusCode}: ${text.slice(0, 200)}`);
      });
    });
    request.end(body && JSON.stringify(body));
  });
}

const clients = Object.entries(KINDS).flatMap(([kind, call]) =>
  Array.from({ length: 3 }, async (_, i) => {
    // Every third client keeps its connection.
    const agent = new http.Agent({ keepAlive: i === 2, maxSockets: 1 });
    while (!ended.signal.aborted) {
      account.sent[kind] = (account.sent[kind] ?? 0) + 1;
      const fault = await ask(call, agent);
      if (fault) account.failed.push({ kind, at: new Date().toISOString(), fault });
      await sleep(kind === 'task' ? 500 : fault ? 100 : 20);
    }
    agent.destroy();
  }),
);
while (!existsSync(stopFile)) await sleep(100);
ended.abort();
await Promise.all(clients);

/** Tasks that are not done within two minutes. */
let open = [...accepted];
for (let i = 0; i < 240 && open.length > 0; i += 1) {
  const agent = new http.Agent({ keepAlive: true });
  const left = [];
  for (const id of open) {
    const whole = (text) => JSON.parse(text).status === 'done';
    if (await ask({ path: `/v1/tasks/${id}`, whole }, agent)) left.push(id);
  }
  agent.destroy();
  open = left;
  if (open.length > 0) await sleep(500);
}
console.log(JSON.stringify({ ...account, tasks: accepted.length, lost: open }));
