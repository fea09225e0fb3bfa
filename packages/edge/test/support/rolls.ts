// Whole rolls of a cluster under load of every kind, and the account of it. Used by a test and by the bench.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Desk, readInventory, roll } from '@lastcall/edge';
import { startPostgres, type TestPostgres } from '../../../handover/test/support/postgres.ts';
import { type Ends, startCluster } from './cluster.ts';
import { type Account, ask, type Ask, startClients, startLoad } from './load.ts';
import { eventually } from './place.ts';
import { startSockets } from './sockets.ts';

export interface Rolled extends Account {
  /** Tasks that were accepted. */
  tasks: number;
  /** Tasks that went on in another worker. */
  passedOn: number;
  /** Accepted tasks that did not end, ended wrong, or whose effect did not happen exactly once. */
  lost: string[];
  /** How long the rolls took. */
  seconds: number;
}

/** Rolls 3 nodes of 2 workers behind a real proxy so many times. */
export async function rollUnderLoad(
  t: Ends,
  kind: 'nginx' | 'haproxy',
  rolls: number,
): Promise<Rolled> {
  const postgres = await startPostgres();
  await postgres.query('create table ended (id text)');
  // Ends are carried out in the order in which they are registered, and the nodes go first.
  const cluster = await startCluster(t, kind, {
    nodes: 3,
    workers: 2,
    service: 'mixed',
    env: { DATABASE_URL: postgres.url },
  });
  t.after(() => postgres[Symbol.asyncDispose]());
  // WebSockets stay until their node is stopped: waiting longer for them changes nothing.
  cluster.rewrite((inventory) => {
    inventory.settle = '1s';
  });
  const desk = new Desk(readInventory(cluster.inventory));
  const account: Account = { sent: {}, failed: [] };
  const accepted: string[] = [];
  // nginx ends idle connections of its clients at a reload; HAProxy is not reloaded.
  const keepAlive = kind === 'haproxy';
  const loads = [
    startLoad(cluster.url, keepAlive),
    startClients(account, tasks(cluster.url, accepted), keepAlive),
    startSockets(cluster.url, account, 4),
  ];
  const startedMs = performance.now();
  for (let i = 0; i < rolls; i += 1) await roll(desk, 1);
  const seconds = (performance.now() - startedMs) / 1_000;
  const [plain] = await Promise.all(loads.map((load) => load.stop()));
  const lost = await lostTasks(postgres, accepted);
  const [moved] = await postgres.query<{ count: number }>(
    'select count(*)::int from handover.works where fence > 1',
  );
  assert.ok((await desk.proxy.servers()).every(({ inService }) => inService));
  return {
    sent: { ...plain!.sent, ...account.sent },
    failed: [...plain!.failed, ...account.failed],
    tasks: accepted.length,
    passedOn: moved?.count ?? 0,
    lost,
    seconds,
  };
}

const STEPS = 20;

/** The state after each step of a task that is done once and in order. */
const STATES = Array.from({ length: STEPS }).reduce<number[]>(
  (states) => [...states, ((states.at(-1) ?? 1) * 31 + states.length + 1) % 1_000_003],
  [],
);
const RESULT = STATES.at(-1);
/** What a reader of such a task gets, whoever does it and wherever it is read. */
const EVENTS = `${STATES.map((mixed, i) => `id: ${i + 1}\nevent: n\ndata: ${JSON.stringify({ n: i + 1, mixed })}\n\n`).join('')}data: done\n\n`;

/** Clients that add a task and read its events to the end, and clients that only add: those go on elsewhere. */
function tasks(url: string, accepted: string[]): [string, Ask][] {
  const add = async (agent: http.Agent, id: string): Promise<string | undefined> => {
    const body = Buffer.from(JSON.stringify({ to: STEPS, everyMs: 50 }));
    const call = { path: `/tasks/${id}`, method: 'POST', body, status: 202 };
    const fault = await ask(url, { ...call, whole: (text) => text === id }, agent);
    if (fault === undefined) accepted.push(id);
    return fault;
  };
  return [
    [
      'task',
      async (agent) => {
        const fault = await add(agent, randomUUID());
        await sleep(200);
        return fault;
      },
    ],
    [
      'task stream',
      async (agent) => {
        const id = randomUUID();
        return (
          (await add(agent, id)) ??
          ask(url, { path: `/tasks/${id}`, whole: (text) => text === EVENTS }, agent)
        );
      },
    ],
  ];
}

/** Accepted tasks that have not ended as they must, within half a minute. */
async function lostTasks(postgres: TestPostgres, accepted: readonly string[]): Promise<string[]> {
  const ended = (): Promise<{ id: string; effects: number; mixed: number | null }[]> =>
    postgres.query(
      `select w.id, (w.result->>'mixed')::int as mixed,
         (select count(*)::int from ended e where e.id = w.id) as effects
       from handover.works w where w.state = 'completed'`,
    );
  const missing = async (): Promise<string[]> => {
    const right = new Set(
      (await ended()).flatMap(({ id, effects, mixed }) =>
        effects === 1 && mixed === RESULT ? [id] : [],
      ),
    );
    return accepted.filter((id) => !right.has(id));
  };
  await eventually('all tasks have ended', async () => (await missing()).length === 0).catch(
    () => undefined, // told by what is missing
  );
  return missing();
}
