// Folders that live as long as a case, and are gone however the drill ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

export function makeTemp(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drill-'));
  folders.add(folder);
  return folder;
}

export function removeTemp(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

export function removeTemps(): void {
  for (const folder of folders) removeTemp(folder);
}
