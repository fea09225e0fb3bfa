import { EdgeError } from '../errors.ts';

/** A place in a text, counted from 1. */
export interface Position {
  line: number;
  column: number;
}

export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** A text that cannot be read, with the place where reading stopped. */
export function syntaxError(
  file: string,
  text: string,
  offset: number,
  message: string,
): EdgeError {
  const { line, column } = positionAt(text, offset);
  return new EdgeError(
    'ERR_EDGE_SYNTAX',
    `${file}:${line}:${column}: ${message}. The file is left as it is.`,
    { file, line, column },
  );
}
