import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { post } from './support/client.ts';
import { type ServiceProcess, startService } from './support/service.ts';
import { dataFolder } from './support/temp.ts';

const folder = dataFolder();
let service: ServiceProcess;
before(async () => {
  service = await startService({ LASTCALL_DATA_DIR: folder.path, MODEL_TOKENS_PER_SECOND: '500' });
});
after(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test('a number of no event is 400, and an empty one is none', { timeout: 60_000 }, async () => {
  const made = await post(`${service.url}/v1/responses`, { input: 'x', max_output_tokens: 3 });
  const { id } = (await made.json()) as { id: string };
  const stream = `${service.url}/v1/responses/${id}?stream=true`;
  const asked: [url: string, header?: string][] = [
    [`${stream}&starting_after=`],
    [stream, ''],
    [stream],
  ];
  for (const [url, header] of asked) {
    const headers = header === undefined ? {} : { 'last-event-id': header };
    const text = await (await fetch(url, { headers })).text();
    assert.match(text, /^event: response.created\n/, url);
  }
  for (const number of ['9007199254740991', '9007199254740990', '-1', '1.5', 'one']) {
    const byHeader = await fetch(stream, { headers: { 'last-event-id': number } });
    assert.equal(byHeader.status, 400, `${number}: ${await byHeader.text()}`);
    const byQuery = await fetch(`${stream}&starting_after=${number}`);
    assert.equal(byQuery.status, 400, `${number}: ${await byQuery.text()}`);
  }
});
