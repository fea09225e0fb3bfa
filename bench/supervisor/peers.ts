// The process managers that the bench compares with, each started the way its documentation shows.
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../scripts/ports.ts';

const CACHE = new URL('../../.cache/pm2', import.meta.url).pathname;
const here = (file: string): string => new URL(file, import.meta.url).pathname;

export interface PeerNode {
  port: number;
  /** Resolves when the reload has been asked for and, where that can be seen, is done. */
  reload: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Resolves when the process writes `word`. */
const said = (child: ChildProcess, word: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = '';
    const ended = (code: number | null): void => reject(new Error(`exit code ${code}: ${text}`));
    const look = (chunk: Buffer): void => {
      text += chunk.toString();
      if (!text.includes(word)) return;
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', look);
      child.off('exit', ended);
      resolve();
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', look);
    child.once('exit', ended);
  });

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

export async function startCluster(): Promise<PeerNode> {
  const port = await freePort();
  const child = spawn(process.execPath, [here('cluster-app.ts')], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await said(child, 'ready');
  return {
    port,
    async reload() {
      const done = said(child, 'reloaded');
      child.kill('SIGHUP');
      await done;
    },
    stop: () => end(child, 'SIGTERM'),
  };
}

/** gunicorn with uvicorn's worker, from Debian; undefined when they are not there and cannot be installed. */
export async function startGunicorn(): Promise<PeerNode | undefined> {
  const gunicorn = '/usr/bin/gunicorn';
  if (!existsSync(gunicorn) || spawnSync('/usr/bin/python3', ['-c', 'import uvicorn']).status !== 0)
    spawnSync('apt-get', ['install', '-y', '-q', 'gunicorn', 'python3-uvicorn'], {
      stdio: 'ignore',
    });
  if (!existsSync(gunicorn)) return undefined;
  const port = await freePort();
  const args = [
    '-k',
    'uvicorn.workers.UvicornWorker',
    '-w',
    '2',
    '-b',
    `127.0.0.1:${port}`,
    'asgi_app:app',
  ];
  const child = spawn('/usr/bin/python3', [gunicorn, ...args], {
    cwd: here('.'),
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await said(child, 'Booting worker');
  await sleep(2_000);
  return {
    port,
    async reload() {
      const done = said(child, 'Booting worker');
      child.kill('SIGHUP');
      await done;
      await sleep(2_000);
    },
    stop: () => end(child, 'SIGTERM'),
  };
}

export async function startPm2(): Promise<PeerNode> {
  if (!existsSync(join(CACHE, 'node_modules/pm2'))) {
    mkdirSync(CACHE, { recursive: true });
    execFileSync(
      'npm',
      ['install', '--prefix', CACHE, '--no-save', '--no-audit', '--no-fund', 'pm2@6'],
      { stdio: 'ignore' },
    );
  }
  const port = await freePort();
  const home = mkdtempSync(join(tmpdir(), 'pm2-'));
  const run = promisify(execFile);
  const pm2 = (...args: string[]): Promise<unknown> =>
    run(process.execPath, [join(CACHE, 'node_modules/pm2/bin/pm2'), ...args], {
      env: { ...process.env, PM2_HOME: home, PORT: String(port) },
    });
  await pm2(
    'start',
    here('plain-app.ts'),
    '-i',
    '2',
    '--name',
    'bench',
    '--wait-ready',
    '--interpreter',
    process.execPath,
  );
  return {
    port,
    reload: async () => void (await pm2('reload', 'bench')),
    async stop() {
      await pm2('kill');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Versions for the page. */
export function peerVersions(): Record<string, string> {
  const python = (module: string): string =>
    spawnSync('/usr/bin/python3', ['-c', `import ${module}; print(${module}.__version__)`], {
      encoding: 'utf8',
    }).stdout.trim();
  return { gunicorn: python('gunicorn'), uvicorn: python('uvicorn'), node: process.version };
}
