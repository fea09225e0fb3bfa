// Finds a program, or installs its Debian package where that is possible.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** How long another installation may take, in seconds. */
const WAIT_S = '300';

/** The path of `program`; undefined when it is neither there nor can be installed. */
export function findProgram(program: string, debianPackage = program): string | undefined {
  return locate(program) ?? (install(debianPackage) ? locate(program) : undefined);
}

function locate(program: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function install(debianPackage: string): boolean {
  const program = process.getuid?.() === 0 && locate('apt-get');
  if (!program) return false;
  process.stderr.write(`> installing ${debianPackage}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // One at a time: apt-get fails at once where another one, of the test file beside this one, runs.
  const apt = (...args: string[]): void => {
    execFileSync('flock', ['-w', WAIT_S, program, program, '-qq', ...args], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  };
  try {
    apt('update');
    apt('install', '-y', '--no-install-recommends', debianPackage);
    return true;
  } catch (error) {
    process.stderr.write(`> not installed: ${String(error)}\n`);
    return false;
  }
}
