import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { SupervisorError } from '../errors.ts';
import type { Config } from './load.ts';

/** Throws when the entry or the program does not exist; what is wrong inside it shows when it starts. */
export function expectTarget({ app, command, dir }: Config): void {
  if (app !== undefined) {
    const path = resolve(dir, app);
    if (existsSync(path)) return;
    throw missing(`The entry ${app} does not exist (looked for ${path}).`);
  }
  const program = command?.[0] ?? '';
  if (program.includes('/')) {
    if (existsSync(resolve(dir, program))) return;
    throw missing(`The program ${program} does not exist.`);
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  if (!folders.some((folder) => existsSync(join(folder, program))))
    throw missing(`The program ${program} was not found on the PATH.`);
}

const missing = (message: string): SupervisorError =>
  new SupervisorError('ERR_SUPERVISOR_ENTRY', message);
