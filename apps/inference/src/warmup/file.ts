// The file of a trained model: a JSON line, padded to whole 32-bit words, and the arrays as they are in
// memory. It names what it was trained on; its last 32 bytes are the sha-256 of all before them.
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import type { TrainedModel } from '../model/ngram.ts';

const format = `lastcall ngram tables 1 ${endianness()}`;
const digestBytes = 32;
const wordBytes = Uint32Array.BYTES_PER_ELEMENT;

interface Head {
  readonly format: string;
  readonly source: string;
  readonly fingerprint: string;
  readonly trainedTokens: number;
  readonly tokens: readonly string[];
  /** Words of slots, contexts and followers. */
  readonly words: readonly [number, number, number];
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

export function encode(
  { fingerprint, trainedTokens, tables }: TrainedModel,
  source: string,
): Buffer {
  const arrays = [tables.slots, tables.contexts, tables.followers] as const;
  const head: Head = {
    format,
    source,
    fingerprint,
    trainedTokens,
    tokens: tables.tokens,
    words: [arrays[0].length, arrays[1].length, arrays[2].length],
  };
  const text = Buffer.from(JSON.stringify(head));
  const padding = wordBytes - 1 - (text.length % wordBytes);
  const bytes = Buffer.concat([
    text,
    Buffer.from(`${' '.repeat(padding)}\n`),
    ...arrays.map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    ),
  ]);
  return Buffer.concat([bytes, sha256(bytes)]);
}

/** Throws what is wrong with the file; `source` is what the model has to be trained on. */
export function decode(file: Buffer, source: string): TrainedModel {
  const bytes = file.subarray(0, Math.max(0, file.length - digestBytes));
  if (!sha256(bytes).equals(file.subarray(bytes.length))) throw new Error('it is damaged');
  const begin = bytes.indexOf('\n') + 1;
  const head = JSON.parse(bytes.toString('utf8', 0, begin)) as Head;
  if (head.format !== format) throw new Error(`its format is '${head.format}', not '${format}'`);
  if (head.source !== source) throw new Error('the corpus or the method has changed since');
  // Copied, because an array of words has to begin at a whole word.
  const words = new Uint32Array(Uint8Array.from(bytes.subarray(begin)).buffer);
  const [slots, contexts, followers] = head.words;
  return {
    fingerprint: head.fingerprint,
    trainedTokens: head.trainedTokens,
    tables: {
      tokens: head.tokens,
      slots: words.subarray(0, slots),
      contexts: words.subarray(slots, slots + contexts),
      followers: words.subarray(slots + contexts, slots + contexts + followers),
    },
  };
}
