import { readFileSync } from 'node:fs';
import { EdgeError } from './errors.ts';

/** The text of a file. Throws `ERR_EDGE_CONFIG`. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new EdgeError(
      'ERR_EDGE_CONFIG',
      `${file} cannot be read: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
}
