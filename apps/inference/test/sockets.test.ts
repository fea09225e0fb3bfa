import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { addTask, post, type TaskView, untilTask } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
const env = {
  LASTCALL_DATA_DIR: folder.path,
  MODEL_TOKENS_PER_SECOND: '100',
  TASK_CONCURRENCY: '1',
};
let one: ServiceProcess;
let two: ServiceProcess;
before(async () => {
  one = await startService(env);
  two = await startService(env);
});
after(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly task?: TaskView;
  readonly delta?: string;
}

/** A client's socket, and what it has been told. */
async function connect({ url }: ServiceProcess, client: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/tasks/socket?client=${client}`);
  const told: Message[] = [];
  const waiters: (() => void)[] = [];
  socket.on('message', (data: Buffer) => {
    told.push(JSON.parse(data.toString()) as Message);
    for (const look of waiters) look();
  });
  const closed = once(socket, 'close') as Promise<[number, Buffer]>;
  await once(socket, 'open');
  const until = (done: (message: Message) => boolean): Promise<Message> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = told.find(done);
        if (found) resolve(found);
      };
      waiters.push(look);
      void closed.then(() => reject(new Error(`closed; told: ${JSON.stringify(told)}`)));
      look();
    });
  return { socket, told, closed, until, result: (id: string) => until(isResult(id)) };
}
const isResult =
  (id: string) =>
  ({ type, task }: Message): boolean =>
    type === 'result' && task?.id === id;

const task = { input: 'The harbour', seed: 5, min_output_tokens: 50, max_output_tokens: 50 };

describe('/v1/tasks/socket', { timeout: 280_000 }, () => {
  test('every subscriber is told state, progress and result, wherever the task runs', async () => {
    const subscribers = [await connect(one, 'ann'), await connect(two, 'ann')];
    const other = await connect(one, 'bob');
    // It begins once both follow it: until then the one place of each service is taken.
    const endless = { ...task, min_output_tokens: 90_000, max_output_tokens: 90_000 };
    const before = [await addTask(one.url, endless), await addTask(two.url, endless)];
    for (const blocker of before) await untilTask(one.url, blocker.id, 'running');
    const { id } = await addTask(one.url, { ...task, client: 'ann' });
    for (const { until } of subscribers) await until(({ task: known }) => known?.id === id);
    for (const blocker of before)
      await fetch(`${one.url}/v1/tasks/${blocker.id}`, { method: 'DELETE' });
    for (const { told, result } of subscribers) {
      const { task: done } = await result(id);
      assert.equal(done?.status, 'done');
      const progress = told.filter(({ type }) => type === 'progress');
      assert.ok(progress.length >= 1, JSON.stringify(told));
      assert.ok(done.output_text?.endsWith(progress.at(-1)?.delta ?? '?'));
    }
    assert.deepEqual(other.told, [], 'another client was told');
    // What it cost is written down once.
    const usage = `${one.url}/v1/usage?client=ann`;
    let cost = { tasks: 0, tokens: 0 };
    while (cost.tasks === 0) cost = (await (await fetch(usage)).json()) as typeof cost;
    assert.deepEqual([cost.tasks, cost.tokens], [1, 50]);
    for (const { socket } of [...subscribers, other]) socket.terminate();
  });

  test('a result that came while the client was away is told until it is acknowledged', async () => {
    const { id } = await addTask(one.url, { ...task, client: 'cleo' });
    const first = await connect(two, 'cleo');
    await first.result(id);
    first.socket.terminate();
    const second = await connect(one, 'cleo');
    await second.result(id);
    second.socket.send('nonsense');
    await second.until(({ type }) => type === 'error');
    second.socket.send(JSON.stringify({ type: 'ack', id }));
    second.socket.close();
    await second.closed;
    // The acknowledgement may still be on its way to the database.
    for (;;) {
      const third = await connect(two, 'cleo');
      const marker = await addTask(one.url, { ...task, max_output_tokens: 1, client: 'cleo' });
      await third.result(marker.id);
      const again = third.told.some(isResult(id));
      third.socket.send(JSON.stringify({ type: 'ack', id: marker.id }));
      third.socket.terminate();
      if (!again) break;
    }
  });

  test('the same key of the same client is the same task', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'order 17' };
    const ids = [];
    for (const client of ['dora', 'dora', 'eve']) {
      const body = JSON.stringify({ ...task, client });
      const answer = await fetch(`${one.url}/v1/tasks`, { method: 'POST', headers, body });
      assert.equal(answer.status, 202);
      ids.push(((await answer.json()) as TaskView).id);
    }
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
  });

  test('a socket without a client id is refused', async () => {
    for (const query of ['', '?client=', `?client=${'x'.repeat(201)}`]) {
      const socket = new WebSocket(`${one.url.replace('http', 'ws')}/v1/tasks/socket${query}`);
      const [error] = (await once(socket, 'error')) as [Error];
      assert.match(error.message, /400/);
    }
    assert.equal((await post(`${one.url}/v1/tasks`, { ...task, client: 'a b' })).status, 400);
  });

  // Last: it ends the services.
  test('a drain keeps a client until its results are there, also from elsewhere; then 1012', async () => {
    const held = await connect(one, 'fay');
    const idle = await connect(one, 'gus');
    const tasks = [];
    // One for each place: five seconds of work, so that the drain finds it whatever the machine does.
    for (let n = 0; n < 2; n += 1)
      tasks.push(
        await addTask(two.url, {
          ...task,
          min_output_tokens: 500,
          max_output_tokens: 500,
          client: 'fay',
        }),
      );
    for (const { id } of tasks) await held.until(({ task: known }) => known?.id === id);
    const ended = one.end('SIGTERM');
    const [code] = await idle.closed;
    assert.equal(code, 1012);
    assert.equal(held.socket.readyState, WebSocket.OPEN);
    const late = new WebSocket(`${one.url.replace('http', 'ws')}/v1/tasks/socket?client=fay`);
    const [refused] = (await once(late, 'error')) as [Error];
    assert.match(refused.message, /503/);
    const [last, reason] = await held.closed;
    assert.equal(last, 1012, reason.toString());
    for (const { id } of tasks) assert.ok(held.told.some(isResult(id)), `${id} was not delivered`);
    assert.equal(await ended, 0, one.output());
    assert.match(one.output(), /lost 0/);
    assert.equal(await two.end('SIGTERM'), 0, two.output());
  });
});
