import { existsSync, mkdtempSync, rmSync } from 'node:fs';
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

/** How much work the service on a port has in flight. */
export const inFlight = async (port: number): Promise<number> => {
  const url = `http://127.0.0.1:${port}/v1/streams/active-count`;
  const response = await fetch(url, { headers: { connection: 'close' } });
  return ((await response.json()) as { active_streams: number }).active_streams;
};

export const answers = (url: string): Promise<boolean> =>
  fetch(url, { headers: { connection: 'close' } }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status === 200;
    },
    () => false,
  );
