// A model file is a header of fixed size and the bytes that were uploaded. What is known of an upload and
// its bytes are one file, so that one rename publishes both, and no part can be there without the other.
import type { FileHandle } from 'node:fs/promises';

/** Bytes of the header; the upload's byte N is the file's byte N + headerBytes. */
export const headerBytes = 512;
const format = 'lastcall model 1';

/** While it is uploaded: what the client said. Once published: what is true. */
export interface ModelHeader {
  readonly name: string;
  readonly bytes: number | null;
  /** In hex. */
  readonly sha256: string | null;
}

export async function writeHeader(file: FileHandle, header: ModelHeader): Promise<void> {
  const text = JSON.stringify({ format, ...header });
  await file.write(Buffer.from(`${text.padEnd(headerBytes - 1)}\n`), 0, headerBytes, 0);
}

/** `undefined` when this is no model file. */
export async function readHeader(file: FileHandle): Promise<ModelHeader | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
  if (bytesRead !== headerBytes) return undefined;
  try {
    const found = JSON.parse(buffer.toString()) as ModelHeader & { format: unknown };
    return found.format === format ? found : undefined;
  } catch {
    return undefined;
  }
}
