import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const run = promisify(execFile);
const path = '/usr/bin/chromium';

/** Debian's chromium, installed when this is root on Debian; a reason to skip where there is none. */
export async function findChromium(): Promise<string | false> {
  if (existsSync(path)) return false;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    return 'needs chromium: apt-get install chromium';
  const apt = (...args: string[]) =>
    run('apt-get', args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  try {
    await apt('update', '-qq');
    await apt('install', '-y', '-qq', '--no-install-recommends', 'chromium');
    return false;
  } catch (error) {
    return `chromium could not be installed: ${(error as Error).message.slice(0, 200)}`;
  }
}

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: path,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
