import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SavedDurations } from './durations.ts';
import type { Ledger } from './ledger.ts';

const EVERY_MS = 60_000;

interface Saved {
  version: 1;
  kinds: Record<string, { all: SavedDurations; labels: Record<string, SavedDurations> }>;
}

/**
 * Keeps the sketches of a service over restarts, in `NAME.durations.json`. Of several processes that
 * share the folder the last to write wins: they see the same traffic. A file that cannot be read
 * costs the estimates their start, never the service its own.
 */
export class DurationsFile {
  readonly #path: string | undefined;
  readonly #ledger: Ledger;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(dir: string | undefined, name: string, ledger: Ledger) {
    this.#ledger = ledger;
    if (dir === undefined) return;
    this.#path = join(dir, `${encodeURIComponent(name)}.durations.json`);
    this.#load(this.#path);
    this.#timer = setInterval(() => this.save(), EVERY_MS).unref();
  }

  /** Writes the sketches in one step: a reader sees the old file or the new one. */
  save(): void {
    if (this.#path === undefined) return;
    const draft = `${this.#path}.${process.pid}`;
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true });
      writeFileSync(draft, JSON.stringify(pack(this.#ledger)), { mode: 0o600 });
      renameSync(draft, this.#path);
    } catch (error) {
      warn(this.#path, error);
    }
  }

  /** The last save. */
  end(): void {
    clearInterval(this.#timer);
    this.save();
  }

  #load(path: string): void {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return; // The first start: there is none.
    }
    try {
      unpack(JSON.parse(text) as Saved, this.#ledger);
    } catch (error) {
      warn(path, error);
    }
  }
}

function pack(ledger: Ledger): Saved {
  const kinds: Saved['kinds'] = {};
  for (const { kind, durations, labels } of ledger.tallies)
    if (durations.count > 0)
      kinds[kind] = {
        all: durations.save(),
        labels: Object.fromEntries([...labels].map(([label, sketch]) => [label, sketch.save()])),
      };
  return { version: 1, kinds };
}

function unpack({ version, kinds }: Saved, ledger: Ledger): void {
  if (version !== 1) return;
  for (const [kind, { all, labels }] of Object.entries(kinds)) {
    const tally = ledger.tally(kind);
    tally.durations.load(all);
    for (const [label, saved] of Object.entries(labels)) tally.ofLabel(label)?.load(saved);
  }
}

function warn(path: string, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  process.emitWarning(
    `The measured durations cannot be kept in ${path}: ${why}. Check recordDir.`,
    'LastcallWarning',
  );
}
