// Folders that live as long as a case, and are gone however the drill ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

export function makeTemp(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drill-'));
  if (folders.size === 0) process.once('exit', removeTemps);
  folders.add(folder);
  return folder;
}

export function removeTemp(folder: string): void {
  // A server that has just been killed may have written there.
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
  if (folders.size === 0) process.off('exit', removeTemps);
}

export function removeTemps(): void {
  for (const folder of folders) removeTemp(folder);
}
