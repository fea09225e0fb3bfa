import { mkdir, open, rename, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NgramModel, ngramModel } from '../model/ngram.ts';
import { decode, encode } from './file.ts';

/**
 * Keeps trained models over a restart. What a process had to train is saved in its checkpoint phase; the next
 * start reads it. A file that is damaged or of another origin is ignored with a line, and replaced at the next stop.
 */
export class WarmUp {
  readonly #folder: string;
  readonly #say: (line: string) => void;
  readonly #trained = new Map<string, { model: NgramModel; source: string }>();

  constructor(folder: string, say: (line: string) => void) {
    this.#folder = folder;
    this.#say = say;
  }

  /** The saved model of that name and source, or a new one. `name` is a file name. */
  model(name: string, source: string, train: () => NgramModel): NgramModel {
    const began = performance.now();
    const saved = this.#load(name, source);
    const model = saved ?? train();
    if (!saved) this.#trained.set(name, { model, source });
    const how = saved ? 'read as the last run left them' : 'trained';
    this.#say(`tables of '${name}': ${how}, in ${(performance.now() - began).toFixed(0)} ms`);
    return model;
  }

  /** Writes what was trained here. What cannot be written is told, and trained again at the next start. */
  async save(): Promise<void> {
    for (const [name, { model, source }] of this.#trained) {
      try {
        await this.#write(name, encode(model, source));
        this.#trained.delete(name);
      } catch (error) {
        this.#say(`the tables of '${name}' could not be saved: ${(error as Error).message}`);
      }
    }
  }

  #load(name: string, source: string): NgramModel | undefined {
    const path = join(this.#folder, `${name}.tables`);
    try {
      return ngramModel(decode(readFileSync(path), source));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#say(`${path} is ignored: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Under a name of its own first: a reader finds the whole file or the one before. */
  async #write(name: string, bytes: Buffer): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const draft = join(this.#folder, `${name}.${process.pid}.draft`);
    try {
      const file = await open(draft, 'w');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, join(this.#folder, `${name}.tables`));
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}
