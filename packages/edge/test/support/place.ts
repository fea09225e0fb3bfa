import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findProgram } from '../../../../scripts/programs.ts';

export const NGINX = '/usr/sbin/nginx';
export const HAPROXY = '/usr/sbin/haproxy';

/** The Debian packages of programs that are named otherwise. */
const PACKAGES: Record<string, string> = {
  nginx: 'nginx-light',
  promtool: 'prometheus',
  amtool: 'prometheus-alertmanager',
  'systemd-analyze': 'systemd',
};

/** Why a test cannot run here, or false. What is not there is installed where that can be done. */
export function missing(program: string): string | false {
  if (existsSync(program)) return false;
  const name = basename(program);
  findProgram(name, PACKAGES[name] ?? name);
  return existsSync(program) ? false : `${program} is not installed`;
}

/** A temporary folder that goes with the test. */
export function folder(t: { after(end: () => unknown): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastcall-edge-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Free ports; they are held open until all are known, so that no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function eventually(
  what: string,
  test: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await test())) {
    if (performance.now() > end) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const answers = (url: string): Promise<boolean> =>
  fetch(url, { headers: { connection: 'close' } }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status === 200;
    },
    () => false,
  );
