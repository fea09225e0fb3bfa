import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const pathIn = (stateDir: string): string => join(stateDir, 'watch.json');

/** The servers that the watch of a state folder has marked down; what cannot be read names none. */
export function readMarks(stateDir: string): string[] {
  try {
    return z.array(z.string()).parse(JSON.parse(readFileSync(pathIn(stateDir), 'utf8')));
  } catch {
    return [];
  }
}

export function writeMarks(stateDir: string, marks: Iterable<string>): void {
  const draft = `${pathIn(stateDir)}.${process.pid}.new`;
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(draft, JSON.stringify([...marks]), { flush: true });
  renameSync(draft, pathIn(stateDir));
}
