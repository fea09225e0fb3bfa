import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Tail } from '../src/tail.ts';

test('a reader that has ended is let go of, though its signal may abort much later', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const process = new AbortController();
  const hub = { fetch: () => undefined, leave: () => undefined };
  const read = (): WeakRef<Tail> => {
    const request = new AbortController();
    const signal = AbortSignal.any([request.signal, process.signal]);
    const tail = new Tail(hub, { num: '1', id: 'a', after: 0 }, signal);
    tail.finish();
    return new WeakRef(tail);
  };
  const readers = Array.from({ length: 100 }, read);
  const kept = (): number => readers.filter((reader) => reader.deref() !== undefined).length;
  for (let round = 0; round < 20 && kept() > 0; round += 1) {
    await sleep(1);
    collect();
  }
  assert.equal(kept(), 0);
});
