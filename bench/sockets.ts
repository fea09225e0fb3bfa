// node bench/sockets.ts [--quick]: drains a process that holds 10,000 WebSockets, and one that holds
// 10,000 event streams, and writes docs/reference/sockets-performance.md.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cpus, getPriority, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Crowd, openStreams, openWebSockets } from './sockets/clients.ts';

interface Report {
  name: string;
  port: number;
  atMs: number;
  cpuMs: number;
  rss: number;
}

interface Run {
  crowd: Crowd;
  opened: Report;
  leaving: Report;
  stopped: Report;
  /** From SIGTERM to the last connection's end, as the clients see it. */
  clientMs: number;
  code: number;
}

const quick = process.argv.includes('--quick');
const count = quick ? 500 : 10_000;
const MIB = 1024 * 1024;

async function run(open: (port: number, count: number) => Promise<Crowd>): Promise<Run> {
  const child = fork(fileURLToPath(new URL('sockets/server.ts', import.meta.url)));
  const reports = new Map<string, Report>();
  child.on('message', (report: Report) => reports.set(report.name, report));
  const { port } = await heard(child, reports, 'listening');
  const crowd = await open(port, count);
  child.send('opened');
  const opened = await heard(child, reports, 'opened');
  const exit = once(child, 'exit');
  const beganMs = performance.now();
  child.kill('SIGTERM');
  await crowd.gone;
  const clientMs = performance.now() - beganMs;
  const [code] = (await exit) as [number];
  const [leaving, stopped] = [reports.get('leaving'), reports.get('stopped')];
  if (!leaving || !stopped) throw new Error('the server did not report its stop');
  return { crowd, opened, leaving, stopped, clientMs, code };
}

async function heard(
  child: ChildProcess,
  reports: Map<string, Report>,
  name: string,
): Promise<Report> {
  for (;;) {
    const report = reports.get(name);
    if (report) return report;
    await once(child, 'message');
  }
}

function row(name: string, { crowd, opened, leaving, stopped, clientMs, code }: Run): string {
  const { told, inOrder, abnormal } = crowd.ends;
  const drainMs = stopped.atMs - leaving.atMs;
  const cells = [
    name,
    told,
    inOrder,
    abnormal,
    `${(drainMs / 1_000).toFixed(2)} s`,
    `${(clientMs / 1_000).toFixed(2)} s`,
    `${((stopped.cpuMs - leaving.cpuMs) / 1_000).toFixed(2)} s`,
    `${(opened.rss / MIB).toFixed(0)} MiB`,
    `${(stopped.rss / MIB).toFixed(0)} MiB`,
    code,
  ];
  return `| ${cells.join(' | ')} |`;
}

const load = loadavg()[0] ?? 0;
const webSockets = await run(openWebSockets);
const streams = await run(openStreams);
const met = [webSockets, streams].every(
  ({ crowd: { ends }, stopped, leaving, code }) =>
    ends.told === count &&
    ends.inOrder === count &&
    code === 0 &&
    stopped.atMs - leaving.atMs < 5_000,
);
const page = `# Draining ${count.toLocaleString('en')} sockets

Written by \`node bench/sockets.ts\`; do not edit. Measured on ${new Date().toISOString().slice(0, 10)} with Node ${process.version} on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}). The clients run on the same machine, in one process of their own. When the bench began, the machine's load average was ${load.toFixed(1)}; the bench ran with nice value ${getPriority()}.

One process holds ${count.toLocaleString('en')} open connections that are owed nothing and gets SIGTERM. To reach: all told, all closed in order, none abnormally, under 5 s: **${met ? 'met' : 'missed'}**.

| connections | told | in order | abnormal | stop to stopped | last end at the clients | CPU of the stop | memory before | memory after | exit code |
|---|---|---|---|---|---|---|---|---|---|
${row('WebSockets (ws)', webSockets)}
${row('event streams (HTTP/1.1)', streams)}

A WebSocket is told by a message of the application's hook, given a round trip, and closed with 1012; in order means that the client got that code. A stream is told by its last event with a \`retry\` of its own; in order means that the client read the last chunk. CPU is user and system time of the server between the start of the stop and its end, memory its resident set.
`;
process.stdout.write(page);
if (!quick)
  writeFileSync(
    fileURLToPath(new URL('../docs/reference/sockets-performance.md', import.meta.url)),
    page,
  );
process.exitCode = met ? 0 : 1;
