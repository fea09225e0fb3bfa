import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect, type ConfirmChannel } from 'amqplib';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { attachAmqp } from 'lastcall/amqp';
import { fixture } from '../support/fixture.ts';
import { program, type Service, startRabbit } from '../support/services.ts';

const path = program('/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server');
const skip = path === undefined && 'rabbitmq-server is not installed';
let rabbit: Service;
let own: ChannelModel;
let channel: ConfirmChannel;
const lifecycles: Lifecycle[] = [];

before(async () => {
  if (path === undefined) return;
  rabbit = await startRabbit(path);
  own = await connect(rabbit.url);
  channel = await own.createConfirmChannel();
});
after(async () => {
  if (path === undefined) return;
  for (const lifecycle of lifecycles) await lifecycle.stop({ reason: 'end', leave: false });
  await own.close();
  await rabbit[Symbol.asyncDispose]();
});

function lifecycleOf(graceMs = 10_000): Lifecycle {
  const lifecycle = createLifecycle({ graceMs, forceMs: 1_000, leaveMaxMs: 1 });
  lifecycle.ready();
  lifecycles.push(lifecycle);
  return lifecycle;
}

async function send(queue: string, ...messages: string[]): Promise<void> {
  if (queue !== 'twice') await channel.assertQueue(queue, { durable: true });
  for (const text of messages)
    channel.sendToQueue(queue, Buffer.from(text), { messageId: text, persistent: true });
  await channel.waitForConfirms();
}

/** Messages that wait in the queue, by their text, with whether they were delivered before. */
async function left(queue: string): Promise<[string, boolean][]> {
  const found: [string, boolean][] = [];
  for (;;) {
    const message = await channel.get(queue);
    if (!message) break;
    found.push([message.content.toString(), message.fields.redelivered]);
    channel.ack(message);
  }
  return found;
}

test(
  'a drain stops fetching and finishes what runs; the rest stays in the queue',
  { skip },
  async () => {
    await send('drain', 'one', 'two', 'three');
    const lifecycle = lifecycleOf();
    const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await attachAmqp(
      lifecycle,
      await connect(rabbit.url),
      'drain',
      async () => {
        began.resolve();
        await go.promise;
      },
      { prefetch: 1 },
    );
    await began.promise;
    const stopped = lifecycle.stop({ reason: 'test' });
    await lifecycle.when('draining');
    go.resolve();
    const record = await stopped;
    assert.equal(record.outcomes.completed, 1);
    assert.equal(record.outcomes.lost, 0);
    assert.deepEqual(
      (await left('drain')).map(([text]) => text),
      ['two', 'three'],
    );
  },
);

test(
  'at the deadline a message is back in its queue at once, after being told to leave',
  { skip },
  async () => {
    await send('deadline', 'one');
    const lifecycle = lifecycleOf(500);
    const began = Promise.withResolvers<void>();
    let told = false;
    await attachAmqp(
      lifecycle,
      await connect(rabbit.url),
      'deadline',
      async (_message, { leaving }) => {
        began.resolve();
        await once(leaving, 'abort');
        told = true;
        await new Promise(() => undefined);
      },
      { checkpointMs: 200 },
    );
    await began.promise;
    const record = await lifecycle.stop({ reason: 'test' });
    assert.equal(record.outcomes.handed_over, 1);
    assert.equal(told, true);
    assert.deepEqual(await left('deadline'), [['one', true]]);
  },
);

test('a drain that is undone consumes again', { skip }, async () => {
  await send('resume');
  const lifecycle = lifecycleOf();
  const done = Promise.withResolvers<string>();
  await attachAmqp(lifecycle, await connect(rabbit.url), 'resume', (message) =>
    done.resolve(message.content.toString()),
  );
  void lifecycle.drain({ reason: 'test' });
  await lifecycle.when('draining');
  await send('resume', 'one');
  lifecycle.resume();
  assert.equal(await done.promise, 'one');
});

test(
  'a drain that begins while an undone one starts to consume again returns each message once',
  { skip, timeout: 30_000 },
  async () => {
    await channel.assertQueue('twice', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    const lifecycle = lifecycleOf();
    let ran = 0;
    const consumer = await attachAmqp(lifecycle, await connect(rabbit.url), 'twice', () => {
      ran += 1;
    });
    void lifecycle.drain({ reason: 'test' });
    await lifecycle.when('draining');
    await consumer.channel.checkQueue('twice'); // answered after the cancel
    await send('twice', 'one');
    lifecycle.resume();
    void lifecycle.drain({ reason: 'test' });
    await lifecycle.when('draining');
    while ((await consumer.channel.checkQueue('twice')).consumerCount > 0) await sleep(10);
    let message = await channel.get('twice');
    for (; !message; message = await channel.get('twice')) await sleep(10);
    assert.equal(ran, 0);
    assert.ok(Number(message.properties.headers?.['x-delivery-count'] ?? 0) <= 1);
    channel.ack(message);
  },
);

test(
  'a failed message is rejected, or returned where asked; a revoked one is dropped',
  { skip },
  async () => {
    await channel.assertQueue('dead', { durable: true });
    await channel.assertQueue('errors', {
      durable: true,
      arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' },
    });
    channel.sendToQueue('errors', Buffer.from('bad'), { messageId: 'bad' });
    channel.sendToQueue('errors', Buffer.from('endless'), { messageId: 'endless' });
    const lifecycle = lifecycleOf();
    const began = Promise.withResolvers<void>();
    let code: unknown;
    const consumer = await attachAmqp(
      lifecycle,
      await connect(rabbit.url),
      'errors',
      async (message, { signal }) => {
        if (message.content.toString() === 'bad') throw new Error('bad');
        began.resolve();
        await once(signal, 'abort');
        code = (signal.reason as { code: string }).code;
      },
    );
    await began.promise;
    assert.equal(consumer.revoke('nothing'), false);
    assert.equal(consumer.revoke('endless'), true);
    const record = await lifecycle.stop({ reason: 'test' });
    assert.deepEqual([record.outcomes.failed, record.outcomes.cancelled], [1, 1]);
    assert.equal(code, 'ERR_LASTCALL_REVOKED');
    assert.deepEqual((await left('dead')).map(([text]) => text).sort(), ['bad', 'endless']);
  },
);

test('messages of a killed process are back at once', { skip }, async () => {
  await send('killed', 'one');
  const child = fork(fixture('amqp-worker.ts'), {
    env: { ...process.env, AMQP_URL: rabbit.url },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (;;) {
    const found = await left('killed');
    if (found.length > 0) {
      assert.deepEqual(found, [['one', true]]);
      break;
    }
    await sleep(10);
  }
});
