import { readFileSync } from 'node:fs';
import { EdgeError } from './errors.ts';

/** A text and how its bytes are read, so that it can be written back with nothing else changed. */
export interface Text {
  text: string;
  encoding: 'utf8' | 'latin1';
}

/** The text of a file. Throws `ERR_EDGE_CONFIG`. */
export const readText = (file: string): string => readBytes(file).text;

/** The same, for a file that is edited: one that is not UTF-8 is read byte by byte. Throws `ERR_EDGE_CONFIG`. */
export function readBytes(file: string): Text {
  try {
    const bytes = readFileSync(file);
    const text = bytes.toString('utf8');
    return Buffer.from(text).equals(bytes)
      ? { text, encoding: 'utf8' }
      : { text: bytes.toString('latin1'), encoding: 'latin1' };
  } catch (error) {
    throw new EdgeError(
      'ERR_EDGE_CONFIG',
      `${file} cannot be read: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
}
