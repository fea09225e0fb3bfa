import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHANCES, type WireStatus } from 'lastcall/supervised';
import { Lines } from '../src/log/lines.ts';
import { sumFigures } from '../src/node/figures.ts';
import { MetricsSum } from '../src/node/metrics.ts';
import { parseAddress, showAddress } from '../src/sockets/address.ts';

const status = (more: Partial<WireStatus>): WireStatus => ({
  state: 'ready',
  inFlight: 0,
  inFlightByKind: {},
  shutdownSeconds: 0,
  deadlineInMs: null,
  estimateMs: 0,
  ...more,
});

describe('the figures of a node', () => {
  it('are sums; work in retiring workers counts, their state does not', () => {
    const a = status({ inFlight: 2, inFlightByKind: { request: 1, stream: 1 }, estimateMs: 50 });
    const b = status({
      state: 'leaving',
      inFlight: 3,
      inFlightByKind: { stream: 3 },
      estimateMs: 900,
    });
    const { estimateMs, curveMs: _, ...sum } = sumFigures([a], [b]);
    const { estimateMs: _none, ...none } = status({});
    assert.deepEqual(sum, { ...none, inFlight: 5, inFlightByKind: { request: 1, stream: 4 } });
    assert.ok(Math.abs(estimateMs! - 900) < 9, 'the later one of two that are sure');
  });

  it('have an estimate in which the last of all workers ends: later than that of each', () => {
    // One exponential piece of work of mean 1 s in each of four workers.
    const curveMs = CHANCES.map((chance) => -1_000 * Math.log(1 - chance));
    const one = status({ inFlight: 1, estimateMs: 2_303, curveMs });
    const { estimateMs, curveMs: all } = sumFigures([one, one], [one, sumFigures([one], [])]);
    const exact = (chance: number, of: number): number => -1_000 * Math.log(1 - chance ** (1 / of));
    const near = (got: number, wanted: number): void =>
      assert.ok(Math.abs(got / wanted - 1) < 0.04, `${got}, not ${wanted}`);
    near(estimateMs!, exact(0.9, 4));
    near(all![0]!, exact(0.5, 4));
    near(sumFigures([one, status({})], []).estimateMs!, exact(0.9, 1));
  });

  it('know no estimate when a busy worker knows none', () => {
    const unknown = status({ inFlight: 1, estimateMs: null });
    assert.equal(sumFigures([status({}), unknown], []).estimateMs, null);
    assert.equal(sumFigures([status({}), status({ estimateMs: null })], []).estimateMs, 0);
  });

  it('have the state of the least advanced worker', () => {
    assert.equal(sumFigures([status({ state: 'draining' }), status({})], []).state, 'ready');
    assert.equal(sumFigures([], []).state, 'starting');
  });
});

const metrics = (requests: number, open: number): string =>
  `# HELP done Work.\n# TYPE done counter\ndone{kind="a b"} ${requests}\n# HELP open Open.\n# TYPE open gauge\nopen ${open}\n`;

describe('the metrics of a node', () => {
  it('add up, and keep the counters of workers that have gone', () => {
    const sum = new MetricsSum();
    sum.retain(metrics(5, 9));
    const text = sum.render([metrics(1, 2), metrics(2, 3)]);
    assert.match(text, /^done\{kind="a b"\} 8$/m);
    assert.match(text, /^open 5$/m);
    assert.equal(text.match(/# TYPE done/g)?.length, 1);
  });

  it('take the longest of durations, and an estimate where one worker has none', () => {
    const gauge = (value: string): string =>
      `# HELP drain_duration D.\n# TYPE drain_duration gauge\ndrain_duration ${value}\n`;
    const sum = new MetricsSum();
    assert.match(sum.render([gauge('2'), gauge('7'), gauge('NaN')]), /^drain_duration 7$/m);
  });
});

describe('lines', () => {
  it('are cut whatever the chunks, and the last needs no end', () => {
    const out: string[] = [];
    const lines = new Lines('[w1] ', (line) => out.push(line.toString()));
    for (const chunk of ['one\ntw', 'o', '\n\nlast']) lines.write(Buffer.from(chunk));
    lines.end();
    assert.deepEqual(out, ['[w1] one\n', '[w1] two\n', '[w1] \n', '[w1] last\n']);
  });

  it('without an end are passed on in pieces', () => {
    const out: Buffer[] = [];
    const lines = new Lines('', (line) => out.push(line));
    for (let i = 0; i < 200; i += 1) lines.write(Buffer.alloc(1_024, 'x'));
    assert.equal(out.length, 3);
  });
});

describe('addresses', () => {
  for (const [text, shown] of [
    ['8080', '0.0.0.0:8080'],
    [':8080', '0.0.0.0:8080'],
    ['localhost:1', '127.0.0.1:1'],
    ['[::1]:443', '[::1]:443'],
    ['unix:/run/a.sock', 'unix:/run/a.sock'],
  ] as const)
    it(`${text} is ${shown}`, () => assert.equal(showAddress(parseAddress(text)), shown));

  for (const text of [
    '',
    'host',
    'example.com:80',
    '1.2.3.4:70000',
    'unix:',
    `unix:${'x'.repeat(108)}`,
  ])
    it(`${text.slice(0, 20) || 'nothing'} is none`, () =>
      assert.throws(() => parseAddress(text), { code: 'ERR_SUPERVISOR_ADDRESS' }));
});
