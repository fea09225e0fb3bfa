import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { post, untilActive } from './support/client.ts';
import { follow } from './support/follow.ts';
import { startNode } from './support/node.ts';
import { startService } from './support/service.ts';
import { dataFolder, isAlive } from './support/temp.ts';

const tokens = (count: number) => ({ min_output_tokens: count, max_output_tokens: count });
const body = { input: 'When the server', seed: 21, ...tokens(240) };
const pace = { MODEL_TOKENS_PER_SECOND: '60' };

async function textOf(response: Response): Promise<string> {
  assert.equal(response.status, 200);
  const { output } = (await response.json()) as { output: { content: { text: string }[] }[] };
  return output[0]?.content[0]?.text ?? '';
}

/** The text of the run that nothing has interrupted. */
const wholeText = async (url: string, length = {}): Promise<string> =>
  textOf(await post(`${url}/v1/responses`, { ...body, ...length }));

describe('a generation that moves to another worker', { timeout: 280_000 }, () => {
  test('over the drain of its service: on its own connection, token for token', async () => {
    await using folder = dataFolder();
    const env = { LASTCALL_DATA_DIR: folder.path, ...pace };
    await using one = await startService(env);
    await using two = await startService(env);
    const answer = post(`${one.url}/v1/responses`, body);
    const stream = follow(() => one.url, body);
    await stream.at(20);
    await untilActive(one.url, 4);
    const ended = one.end('SIGTERM');
    const { text, reconnects, events } = await stream.end;
    assert.equal(events.at(-1)?.type, 'response.incomplete');
    assert.equal(text, await wholeText(two.url));
    assert.equal(reconnects, 0);
    assert.equal(await textOf(await answer), text, 'the answer without a stream');
    assert.equal(await ended, 0, one.output());
    assert.match(one.output(), /completed 2, handed_over 2, lost 0/);
    assert.equal(await two.end('SIGTERM'), 0, two.output());
  });

  test('over a reload, and over SIGKILL of each worker', async (context) => {
    await using folder = dataFolder();
    await using node = await startNode(folder, { ...pace, GRACEFUL_SHUTDOWN_TIMEOUT: '2' });
    const whole = await wholeText(node.url);

    const reloaded = follow(() => node.url, body);
    await reloaded.at(10);
    await node.verb('reload');
    assert.equal((await reloaded.end).text, whole);

    // A connection dies with its worker; sent again with its key, the request waits for the same work.
    await node.untilServing(2);
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'once' };
    const ask = (fields: object): Promise<Response> =>
      fetch(`${node.url}/v1/responses`, { method: 'POST', headers, body: JSON.stringify(fields) });
    const broken = assert.rejects(ask(body));
    await untilActive(node.url, 2);
    const pids = node.workers();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await broken;
    // `fetch` must have seen the end of every connection that it would choose from.
    do await sleep(20);
    while (pids.some(isAlive));
    const again = await ask({ ...body, seed: 22 });
    assert.equal(await textOf(again), whole);

    await node.untilServing(2);
    // Not over before both are killed, however long that takes: it is cancelled in the end.
    const killed = follow(() => node.url, { ...body, ...tokens(50_000) });
    await killed.at(10);
    for (const pid of node.workers()) {
      process.kill(pid, 'SIGKILL');
      await killed.at(killed.events.length + 20);
      await node.untilServing(2);
    }
    const id = killed.events[0]?.response?.id;
    await fetch(`${node.url}/v1/responses/${id}/cancel`, { method: 'POST' });
    const { text, reconnects, gapMs, events } = await killed.end;
    const deltas = events.filter(({ delta }) => delta !== undefined).length;
    assert.equal(text, await wholeText(node.url, tokens(deltas)));
    assert.equal(events.at(-1)?.response?.status, 'cancelled');
    assert.ok(reconnects >= 1, 'the connection outlived both workers');
    context.diagnostic(`longest time between two events: ${gapMs.toFixed(0)} ms`);
    assert.equal(await node.end('SIGTERM'), 0, node.output());
  });
});
