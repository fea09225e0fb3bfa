import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { headerBytes, readHeader, writeHeader } from './header.ts';
import { type Claim, entriesOf, PartialUploads, syncFolder } from './partial.ts';

/** Letters, digits and . _ - only: a name is a file name everywhere, and never a path. */
export const modelName = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** A complete model on disk. */
export interface StoredModel {
  readonly name: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
  readonly createdAt: Date;
}

/** The models of a node, in a folder that its workers share. A model is there whole or not at all. */
export class ModelStore {
  readonly uploads: PartialUploads;
  readonly #published: string;

  constructor(folder: string) {
    this.#published = join(folder, 'published');
    this.uploads = new PartialUploads(join(folder, 'uploads'));
  }

  async list(): Promise<StoredModel[]> {
    const names = (await entriesOf(this.#published)).sort();
    const found = await Promise.all(names.map((name) => this.get(name)));
    return found.filter((model) => model !== undefined);
  }

  /** `undefined` also for a file that is no model, or is broken off. */
  async get(name: string): Promise<StoredModel | undefined> {
    return this.#read(name, async (_file, model) => model);
  }

  /** The bytes as they were uploaded. Throws when the file does not hold them any more. */
  async read(name: string): Promise<{ model: StoredModel; content: Buffer } | undefined> {
    return this.#read(name, async (file, model) => {
      const content = Buffer.alloc(model.bytes);
      await file.read(content, 0, model.bytes, headerBytes);
      if (createHash('sha256').update(content).digest('hex') !== model.sha256)
        throw new Error(
          `The file of model '${name}' is damaged: its sha-256 is another. Upload it again.`,
        );
      return { model, content };
    });
  }

  /** False when there is no such model. */
  async delete(name: string): Promise<boolean> {
    if (!(await this.get(name))) return false;
    await rm(join(this.#published, name), { force: true });
    await syncFolder(this.#published);
    return true;
  }

  /**
   * Makes an upload the model of that name, in place of an earlier one, in one step. `undefined`, and the upload
   * is dropped, when its bytes do not have the digest (hex) that the client named, at its begin or now.
   */
  async publish(
    claim: Claim,
    name: string,
    digest: string | undefined,
  ): Promise<{ model: StoredModel; replaced: boolean } | undefined> {
    try {
      const sha256 = await digestOf(claim.file, headerBytes);
      const expected = (await readHeader(claim.file))?.sha256 ?? digest ?? sha256;
      if (sha256 !== expected) {
        await claim.drop();
        return undefined;
      }
      const bytes = await claim.offset();
      await writeHeader(claim.file, { name, bytes, sha256 });
      await mkdir(this.#published, { recursive: true });
      const replaced = (await this.get(name)) !== undefined;
      await claim.publish(join(this.#published, name));
      await syncFolder(this.#published);
      return { model: { name, bytes, sha256, createdAt: new Date() }, replaced };
    } catch (error) {
      await claim.keep().catch(() => undefined);
      throw error;
    }
  }

  async #read<T>(
    name: string,
    use: (file: FileHandle, model: StoredModel) => Promise<T>,
  ): Promise<T | undefined> {
    if (!modelName.test(name)) return undefined;
    let file: FileHandle;
    try {
      file = await open(join(this.#published, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const header = await readHeader(file);
      const { size, mtime } = await file.stat();
      const bytes = size - headerBytes;
      if (header?.name !== name || header.bytes !== bytes || header.sha256 === null)
        return undefined;
      return await use(file, { name, bytes, sha256: header.sha256, createdAt: mtime });
    } finally {
      await file.close();
    }
  }
}

/** sha-256 of a file from a byte on, in hex. */
export async function digestOf(file: FileHandle, from: number): Promise<string> {
  const hash = createHash('sha256');
  const stream = file.createReadStream({ start: from, autoClose: false });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
