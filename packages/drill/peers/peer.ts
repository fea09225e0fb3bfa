// One peer: its folder in the cache with its packages installed, and the versions that are run.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Peer {
  readonly title: string;
  /** The documented best settings that it is run with. */
  readonly settings: string;
  /** Packages that this repository has already: a copy of its own would not be the library's. */
  readonly workspace?: readonly string[];
  readonly npm: readonly string[];
  /** Why a case is not kept, where that is known and meant. */
  readonly reasons?: Readonly<Record<string, string>>;
  readonly apt: readonly string[];
}

export const here = new URL('.', import.meta.url).pathname;
export const root = join(here, '../../..');
const cache = join(root, '.cache/peers');

const packageOf = (spec: string): string => spec.slice(0, spec.lastIndexOf('@'));

export const readPeer = (name: string): Peer =>
  JSON.parse(readFileSync(join(here, name, 'peer.json'), 'utf8')) as Peer;

/** The peer's folder, ready to run; or the reason why it cannot run here. */
export function prepare(name: string, peer: Peer): string | { readonly why: string } {
  const folder = join(cache, name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(here, 'common'), join(folder, 'common'), { recursive: true });
  cpSync(join(here, name), join(folder, 'server'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  for (const one of peer.apt) {
    if (spawnSync('dpkg', ['-s', one], { stdio: 'ignore' }).status === 0) continue;
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const args = ['install', '-y', '--no-install-recommends', one];
    if (spawnSync('apt-get', args, { stdio: 'ignore', env }).status !== 0) {
      return { why: `the Debian package ${one} cannot be installed here` };
    }
  }
  // A folder from an earlier version of this file may hold other packages, or other versions of them.
  const list = join(folder, 'installed.json');
  const wanted = JSON.stringify(peer.npm);
  if (existsSync(list) && readFileSync(list, 'utf8') === wanted) return folder;
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
  if (peer.npm.length > 0) {
    const args = ['install', '--no-package-lock', '--no-save', '--ignore-scripts', ...peer.npm];
    const end = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
    if (end.status !== 0) {
      return { why: `npm install fails: ${end.stderr.trim().split('\n').at(-1) ?? ''}` };
    }
  }
  writeFileSync(list, wanted);
  return folder;
}

export function versionOf(folder: string, peer: Peer): string {
  const packages = [
    ...(peer.workspace ?? []).map((name) => versionAt(root, name)),
    ...peer.npm.map((spec) => versionAt(folder, packageOf(spec))),
    ...peer.apt.map((name) => {
      const args = ['-W', '-f', '${Package} ${Version}', name];
      return spawnSync('dpkg-query', args, { encoding: 'utf8' }).stdout;
    }),
  ];
  return packages.length === 0 ? `Node ${process.versions.node}` : packages.join(', ');
}

function versionAt(folder: string, name: string): string {
  const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
  return `${name} ${(JSON.parse(text) as { version: string }).version}`;
}
