import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What turns text into tables: a change in one of these changes what is trained. */
const method = ['corpus', 'ngram', 'tables', 'tokens'].map((name) =>
  ['js', 'ts'].map((extension) =>
    fileURLToPath(new URL(`../model/${name}.${extension}`, import.meta.url)),
  ),
);

function read(paths: readonly string[]): Buffer {
  for (const path of paths) {
    try {
      return readFileSync(path);
    } catch {
      // Compiled it is .js, in the tests .ts.
    }
  }
  return Buffer.alloc(0);
}

/** Names what a model is trained on: the texts and the code that reads them. */
export function sourceOf(texts: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const bytes of [...method.map(read), ...texts])
    hash.update(`${bytes.length}:`).update(bytes);
  return hash.digest('hex');
}
