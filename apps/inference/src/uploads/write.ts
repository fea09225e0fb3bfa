import type { FileHandle } from 'node:fs/promises';

/** A disk that is nearly full takes a part of what it is given, and says so only when it is given the rest. */
export async function writeWhole(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
