// node bench/handover.ts [--quick]: measures the handover and writes docs/reference/handover-performance.md.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../packages/handover/test/support/postgres.ts';
import { addToStart, appendRate, gaps, type Spread } from './handover/measures.ts';

const quick = process.argv.includes('--quick');
const page = fileURLToPath(new URL('../docs/reference/handover-performance.md', import.meta.url));
await using postgres = await startPostgres();
const [before = 0] = loadavg();
const step = (name: string): unknown => process.stderr.write(`> ${name}\n`);

step('append');
const rate = await appendRate(postgres.url, { streams: 200, seconds: quick ? 2 : 10 });
step('add to start');
const start = await addToStart(postgres.url, quick ? 50 : 1_000);
step('drain');
const drained = await gaps(postgres.url, { how: 'drain', rounds: quick ? 1 : 5, streams: 10 });
step('kill');
const killed = await gaps(postgres.url, { how: 'kill', rounds: quick ? 1 : 5, streams: 10 });
step('kill, reported');
const reported = await gaps(postgres.url, { how: 'report', rounds: quick ? 1 : 5, streams: 10 });

const ms = ({ median, p95, worst, count }: Spread): string =>
  `${median.toFixed(1)} ms | ${p95.toFixed(1)} ms | ${worst.toFixed(1)} ms | ${count}`;
const met = (yes: boolean): string => (yes ? 'met' : 'missed');
const text = `# Performance of the handover

Written by \`node bench/handover.ts\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), with workers, readers and PostgreSQL (fsync on) on the same machine${quick ? ', short run' : ''}. Other work on the machine when the run began: load ${before.toFixed(1)} (1 minute).

## Events appended

One worker process, 200 streams that each write as fast as they are acknowledged, 20 events of about 30 bytes at a time: **${Math.round(rate.perSecond)} events per second** (${rate.events} events in ${(rate.events / rate.perSecond).toFixed(1)} s; every one durable, the whole read back and counted). Aim: at least 20000; ${met(rate.perSecond >= 20_000)}.

## Times

| what | median | 95 % | worst | measured | aim |
|---|---|---|---|---|---|
| \`add\` called to handler begun, in another process | ${ms(start)} | median under 10 ms, ${met(start.median < 10)} |
| gap of a stream when its worker drains | ${ms(drained)} | median under 100 ms, ${met(drained.median < 100)} |
| gap of a stream when its worker is killed and nobody reports it | ${ms(killed)} | none |
| gap of a stream when its worker is killed and the parent reports it | ${ms(reported)} | under 1 s, ${met(reported.worst < 1_000)} |

A gap is the time between the last event that a reader in a third process got from the old worker and the first it got from the new one, told apart by the process number in each event; each stream writes an event every 10 ms, which is part of the gap. Ten streams move at once.
`;
writeFileSync(page, text);
process.stdout.write(text);
