import { type Browser, chromium } from 'playwright-core';
import { findProgram } from '../../../../scripts/programs.ts';

const path = findProgram('chromium') ?? '';

/** A reason to skip where there is no chromium and it could not be installed. */
export const withoutBrowser = path === '' && 'needs chromium: apt-get install chromium';

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
