import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What the figures are compared with; installed on demand, never into the lock file. */
export const PEERS = [
  'http-terminator',
  'stoppable',
  '@godaddy/terminus',
  'http-graceful-shutdown',
];

const FOLDER = fileURLToPath(new URL('../../.cache/peers-core/', import.meta.url));

/** Installs the peers once; returns their folder and versions. */
export function installPeers(): { folder: string; versions: Map<string, string> } {
  const versionOf = (name: string): string =>
    (
      JSON.parse(readFileSync(`${FOLDER}node_modules/${name}/package.json`, 'utf8')) as {
        version: string;
      }
    ).version;
  if (!PEERS.every((name) => existsSync(`${FOLDER}node_modules/${name}/package.json`))) {
    process.stderr.write(`> installing ${PEERS.join(', ')}\n`);
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(`${FOLDER}package.json`, '{"private":true}');
    execFileSync('npm', ['install', '--silent', '--ignore-scripts', '--no-save', ...PEERS], {
      cwd: FOLDER,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return { folder: FOLDER, versions: new Map(PEERS.map((name) => [name, versionOf(name)])) };
}
