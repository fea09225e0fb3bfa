// Unfinished uploads of a node: `NAME` waits to be resumed, `NAME@OWNER` is being written.
import type { Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { headerBytes } from './header.ts';
import { isAlive, newOwner } from './owner.ts';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** What is in a folder; nothing where there is none yet. */
export async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Makes the entries of a folder durable: a rename is not before that. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The right to write one upload; nobody else has it until it is given up. */
export interface Claim {
  readonly path: string;
  readonly file: FileHandle;
  /** Bytes that have come so far. */
  offset(): Promise<number>;
  /** Keeps the bytes, durably, for whoever resumes. */
  keep(): Promise<void>;
  drop(): Promise<void>;
  /** Moves the file to its place, where it is complete. */
  publish(path: string): Promise<void>;
}

export class PartialUploads {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Bytes that have come of an unfinished upload; undefined when there is none. */
  async offset(name: string): Promise<number | undefined> {
    for (const entry of await this.#entries(name)) {
      try {
        return Math.max(0, (await stat(join(this.#folder, entry))).size - headerBytes);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    return undefined;
  }

  /** `held`: another request writes it now. `undefined`: there is none, and none was wanted. */
  async claim(name: string, create: boolean): Promise<Claim | 'held' | undefined> {
    const entries = await this.#entries(name);
    if (entries.some((entry) => entry !== name && isAlive(ownerOf(entry)))) return 'held';
    if (create) await mkdir(this.#folder, { recursive: true });
    const owner = newOwner();
    const own = `${name}@${owner.tag}`;
    const path = join(this.#folder, own);
    let claim: Claim | undefined;
    try {
      const [entry] = entries;
      if (entry !== undefined) await rename(join(this.#folder, entry), path);
      else if (!create) return undefined;
      const file = await open(path, entry === undefined ? 'wx+' : 'r+');
      // Two that began in the same moment see each other here, and both give way.
      if (entry === undefined && (await this.#entries(name)).length > 1) {
        await file.close();
        await rm(path);
        return 'held';
      }
      return (claim = this.#claimed(name, path, file, () => owner.close()));
    } catch (error) {
      if (isMissing(error)) return 'held'; // another one was faster
      throw error;
    } finally {
      if (!claim) owner.close();
    }
  }

  /** Removes what nobody has written for `ageMs`. Returns the names. */
  async clean(ageMs: number): Promise<string[]> {
    const removed: string[] = [];
    const isOld = ({ mtimeMs }: Stats): boolean => Date.now() - mtimeMs >= ageMs;
    for (const entry of await entriesOf(this.#folder)) {
      const found = await stat(join(this.#folder, entry)).catch(() => undefined);
      if (!found || !isOld(found)) continue;
      const name = entry.split('@')[0] ?? '';
      // Claimed first, and looked at again: it may be resumed in this very moment.
      const claim = await this.claim(name, false);
      if (claim === undefined || claim === 'held') continue;
      const isUnwanted = isOld(await claim.file.stat());
      await (isUnwanted ? claim.drop() : claim.keep());
      if (isUnwanted) removed.push(name);
    }
    return removed;
  }

  #claimed(name: string, path: string, file: FileHandle, done: () => void): Claim {
    const folder = this.#folder;
    const end = async (move: () => Promise<void>): Promise<void> => {
      try {
        await file.sync();
        await file.close();
        await move();
        await syncFolder(folder);
      } finally {
        done();
      }
    };
    return {
      path,
      file,
      offset: async () => Math.max(0, (await file.stat()).size - headerBytes),
      keep: () => end(() => rename(path, join(folder, name))),
      drop: () => end(() => rm(path)),
      publish: (to) => end(() => rename(path, to)),
    };
  }

  /** Those that are written come first. */
  async #entries(name: string): Promise<string[]> {
    return (await entriesOf(this.#folder))
      .filter((entry) => entry === name || entry.startsWith(`${name}@`))
      .sort()
      .toReversed();
  }
}

const ownerOf = (entry: string): string => entry.slice(entry.indexOf('@') + 1);
