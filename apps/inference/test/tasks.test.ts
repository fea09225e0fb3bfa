import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addTask, getTask, post, type TaskView, untilTask } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder, isAlive } from './support/temp.ts';

const folder = dataFolder();
const env = {
  LASTCALL_DATA_DIR: folder.path,
  MODEL_TOKENS_PER_SECOND: '100',
  TASK_CONCURRENCY: '1',
};
let service: ServiceProcess;
before(async () => {
  service = await startService(env);
});
after(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const short = { input: 'The harbour', max_output_tokens: 5 };
// Five seconds: whatever the machine does, it still runs when it is looked at.
const long = { ...short, seed: 6, min_output_tokens: 500, max_output_tokens: 500 };
const endless = { input: 'The harbour', min_output_tokens: 90_000 };

async function remove(id: string): Promise<{ status: number; body: TaskView }> {
  const response = await fetch(`${service.url}/v1/tasks/${id}`, { method: 'DELETE' });
  return { status: response.status, body: (await response.json()) as TaskView };
}

async function list(search = ''): Promise<{ counts: Record<string, number>; data: TaskView[] }> {
  const response = await fetch(`${service.url}/v1/tasks${search}`);
  return (await response.json()) as { counts: Record<string, number>; data: TaskView[] };
}

describe('/v1/tasks', { timeout: 280_000 }, () => {
  test('a task is acknowledged with its place, run, and its result is there', async () => {
    const response = await post(`${service.url}/v1/tasks`, { ...short, seed: 4 });
    assert.equal(response.status, 202);
    const task = (await response.json()) as TaskView;
    assert.equal(response.headers.get('location'), `/v1/tasks/${task.id}`);
    assert.equal(task.status, 'queued');
    const done = await untilTask(service.url, task.id, 'done');
    const streamed = await post(`${service.url}/v1/responses`, { ...short, seed: 4 });
    const { output } = (await streamed.json()) as { output: { content: { text: string }[] }[] };
    assert.equal(done.output_text, output[0]?.content[0]?.text);
    assert.equal(done.attempts, 1);
  });

  test('the list counts by status and gives the newest first', async () => {
    const [running, first, second] = [
      await addTask(service.url, endless),
      await addTask(service.url, short),
      await addTask(service.url, short),
    ];
    await untilTask(service.url, running.id, 'running');
    const { counts, data } = await list('?limit=2');
    assert.deepEqual(counts, { queued: 2, running: 1, done: 1, failed: 0, revoked: 0 });
    assert.deepEqual(
      data.map(({ id }) => id),
      [second.id, first.id],
    );
    assert.equal((await remove(running.id)).status, 200);
    await untilTask(service.url, first.id, 'done');
    await untilTask(service.url, second.id, 'done');
  });

  test('revoking aborts a running task at once and a queued one never runs', async () => {
    const running = await addTask(service.url, endless);
    const queued = await addTask(service.url, endless);
    await untilTask(service.url, running.id, 'running');
    assert.equal((await remove(queued.id)).body.status, 'revoked');
    assert.equal((await remove(running.id)).body.status, 'revoked');
    // With one place to run, this one is done only if the running one has really stopped.
    const next = await addTask(service.url, short);
    await untilTask(service.url, next.id, 'done');
    assert.equal((await getTask(service.url, queued.id)).attempts, 0);
    assert.equal((await remove(running.id)).status, 200, 'revoking twice is no error');
    assert.equal((await remove(next.id)).status, 409, 'what is done cannot be revoked');
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    assert.match(metrics, /^lastcall_work_total\{kind="task",outcome="cancelled"\} 2$/m);
  });

  test('unknown tasks and bad queries and bodies are told', async () => {
    const nobody = '00000000-0000-4000-8000-000000000000';
    for (const id of [nobody, 'x', '%27'])
      assert.equal((await fetch(`${service.url}/v1/tasks/${id}`)).status, 404, id);
    assert.equal((await remove(nobody)).status, 404);
    assert.equal((await fetch(`${service.url}/v1/tasks?limit=0`)).status, 400);
    assert.equal((await fetch(`${service.url}/v1/tasks?limit=a`)).status, 400);
    const response = await post(`${service.url}/v1/tasks`, { ...short, stream: true });
    assert.equal(response.status, 400);
    const { error } = (await response.json()) as { error: { param: string } };
    assert.equal(error.param, 'stream');
  });

  test('a task the model refuses has failed with the reason', async () => {
    const { id } = await addTask(service.url, { ...short, model: 'gpt-9' });
    const failed = await untilTask(service.url, id, 'failed');
    assert.match(JSON.stringify(failed), /model_not_found.*gpt-9/);
  });

  test('over an orderly restart: the running one is finished, queued and revoked ones stay', async () => {
    // The place is taken until all are there, so that the running one has only just begun.
    const before = await addTask(service.url, endless);
    const running = await addTask(service.url, long);
    const queued = await addTask(service.url, short);
    const revoked = await addTask(service.url, short);
    await remove(revoked.id);
    await remove(before.id);
    await untilTask(service.url, running.id, 'running');
    const postgres = folder.postmaster();
    assert.equal(await service.end('SIGTERM'), 0, service.output());
    assert.ok(postgres !== undefined && !isAlive(postgres), 'PostgreSQL outlived the service');

    service = await startService(env);
    const done = await getTask(service.url, running.id);
    assert.equal(done.status, 'done');
    assert.equal(done.attempts, 1);
    await untilTask(service.url, queued.id, 'done');
    assert.equal((await getTask(service.url, revoked.id)).status, 'revoked');
  });

  test('after SIGKILL the next start adopts the database and runs the task again', async () => {
    const running = await addTask(service.url, long);
    const queued = await addTask(service.url, short);
    await untilTask(service.url, running.id, 'running');
    const postgres = folder.postmaster();
    assert.equal(await service.end('SIGKILL'), 'SIGKILL');
    assert.ok(postgres !== undefined && isAlive(postgres), 'nothing is left to adopt');

    service = await startService(env);
    assert.match(service.output(), new RegExp(`is running already \\(process ${postgres},`));
    const done = await untilTask(service.url, running.id, 'done');
    assert.equal(done.attempts, 2);
    await untilTask(service.url, queued.id, 'done');
    assert.equal(await service.end('SIGTERM'), 0, service.output());
    assert.ok(!isAlive(postgres), 'the adopted PostgreSQL was not stopped');
  });

  test('after SIGKILL of the service and of PostgreSQL the next start restarts it', async () => {
    service = await startService(env);
    const { id } = await addTask(service.url, long);
    await untilTask(service.url, id, 'running');
    const postgres = folder.postmaster();
    await service.end('SIGKILL');
    process.kill(postgres ?? 0, 'SIGKILL');
    service = await startService(env);
    await untilTask(service.url, id, 'done');
    assert.equal(await service.end('SIGTERM'), 0, service.output());
  });
});
