import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Desk, haproxyConfig, nginxConfig, readInventory } from '@lastcall/edge';
import { stringify } from 'yaml';
import { answers, eventually, folder, HAPROXY, NGINX } from './place.ts';
import { freePorts } from '../../../../scripts/ports.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}.ts`, import.meta.url));
const CLI = fileURLToPath(new URL('../../../cli/bin/lastcall.js', import.meta.url));

export interface Cluster {
  dir: string;
  url: string;
  nodes: { server: string; port: number; pidFile: string; log: string }[];
  /** edge.yaml */
  inventory: string;
  upstreamFile: string;
  proxyPid: number;
  rewrite(change: (inventory: Record<string, unknown>) => void): void;
  stopProxy(): Promise<void>;
}

/** Whatever ends with a test, or with a bench. */
export interface Ends {
  after(end: () => unknown): void;
}

export interface ClusterOptions {
  nodes?: number;
  /** Which service of the fixtures. Default `service`. */
  service?: 'service' | 'mixed';
  /** Run each node under `lastcall serve` with this many workers; 0: one process, stopped by its pid. */
  workers?: number;
  env?: Record<string, string>;
}

/** Real nodes behind a real proxy, with the configuration that `edge-config` writes. */
export async function startCluster(
  t: Ends,
  kind: 'nginx' | 'haproxy',
  { nodes: count = 2, workers = 0, env = {}, service = 'service' }: ClusterOptions = {},
): Promise<Cluster> {
  // Cleared last, when whoever writes into it has ended.
  const ends: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const endOne of ends) await endOne();
  });
  const dir = folder(t);
  const [front = 0, ...ports] = await freePorts(count + 1);
  const nodes = ports.map((port, i) => ({
    server: kind === 'nginx' ? `127.0.0.1:${port}` : `node${i + 1}`,
    port,
    pidFile: join(dir, `node${i + 1}.pid`),
    log: join(dir, `node${i + 1}.log`),
  }));
  const startLines = nodes.map(({ port, pidFile, log }, i) =>
    startLine({ port, pidFile, log, workers, env, service, control: join(dir, `c${i + 1}`) }),
  );
  const inventory = join(dir, 'edge.yaml');
  const described = {
    upstream: 'app',
    [kind]:
      kind === 'nginx'
        ? { config: 'nginx.conf', upstreamFile: 'upstream.conf', command: NGINX }
        : { socket: 'admin.sock' },
    stateDir: 'state',
    settle: '5s',
    grace: '10s',
    force: '1s',
    margin: '2s',
    boot: '20s',
    watch: { every: '50ms', rise: 2, fall: 2 },
    nodes: nodes.map(({ server, port, pidFile, log }, i) => ({
      server,
      url: `http://127.0.0.1:${port}`,
      ...(workers > 0 ? { control: `c${i + 1}` } : { pidFile }),
      log,
      start: startLines[i],
    })),
  };
  const rewrite = (change: (inventory: Record<string, unknown>) => void): void => {
    change(described);
    writeFileSync(inventory, stringify(described));
  };
  rewrite(() => {});
  for (const line of startLines)
    spawn('/bin/sh', ['-c', line], { stdio: 'ignore', detached: true }).unref();
  ends.push(() => Promise.all(nodes.map((node) => endNode(node.pidFile))));
  const proxy = startProxy(kind, dir, front, ports);
  ends.push(() => end(proxy));
  for (const { port } of nodes)
    await eventually(`node on ${port}`, () => answers(`http://127.0.0.1:${port}/ready`));
  const url = `http://127.0.0.1:${front}`;
  await eventually('the proxy', () => answers(`${url}/`));
  const { proxy: seen } = new Desk(readInventory(inventory));
  await eventually('all servers in service', async () =>
    (await seen.servers()).every(({ inService }) => inService),
  );
  return {
    dir,
    url,
    nodes,
    inventory,
    upstreamFile: join(dir, 'upstream.conf'),
    proxyPid: proxy.pid ?? 0,
    rewrite,
    stopProxy: () => end(proxy),
  };
}

function startLine(options: {
  port: number;
  pidFile: string;
  log: string;
  workers: number;
  control: string;
  env: Record<string, string>;
  service: string;
}): string {
  const { port, pidFile, log, workers, control, env } = options;
  const service = fixture(options.service);
  const vars = Object.entries(env)
    .map(([name, value]) => `${name}='${value}' `)
    .join('');
  const node = `'${process.execPath}'`;
  const command =
    workers > 0
      ? `${node} '${CLI}' serve --workers ${workers} --listen 127.0.0.1:${port} --control '${control}' '${service}'`
      : `${node} '${service}'`;
  return `echo $$ > '${pidFile}'; ${vars}PORT=${port} exec ${command} >> '${log}' 2>&1`;
}

function startProxy(
  kind: 'nginx' | 'haproxy',
  dir: string,
  front: number,
  ports: number[],
): ChildProcess {
  const options = {
    upstream: 'app',
    servers: ports.map((port) => `127.0.0.1:${port}`),
    listen: `127.0.0.1:${front}`,
  };
  const config = join(dir, `${kind}.conf`);
  if (kind === 'nginx') {
    writeFileSync(join(dir, 'upstream.conf'), nginxConfig(options));
    writeFileSync(
      config,
      `daemon off;\nuser root;\nworker_processes 2;\npid ${dir}/nginx.pid;\nerror_log ${dir}/error.log;\nevents {}\nhttp {\n  access_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path ${dir}/${name};`).join('\n')}\n  include ${dir}/upstream.conf;\n}\n`,
    );
  } else {
    const socket = join(dir, 'admin.sock');
    appendFileSync(`${socket}.state`, '');
    writeFileSync(config, haproxyConfig(options, socket));
  }
  return kind === 'nginx'
    ? spawn(NGINX, ['-c', config, '-e', `${dir}/error.log`], { stdio: 'ignore' })
    : spawn(HAPROXY, ['-db', '-q', '-f', config], { stdio: 'ignore' });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** Ends a node that this test started: its pid file tells which, whoever started it last. */
async function endNode(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const alive = (): boolean => {
    try {
      process.kill(pid, 0);
      return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  if (!alive()) return;
  process.kill(pid, 'SIGQUIT');
  const until = performance.now() + 3_000;
  while (alive() && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20));
  if (alive()) process.kill(pid, 'SIGKILL');
}
