import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { EdgeError } from '../errors.ts';

/** The size of a log before the stop: only what comes later belongs to it. */
export function sizeOf(log: string | undefined): number {
  if (log === undefined) return 0;
  return statSync(log, { throwIfNoEntry: false })?.size ?? 0;
}

/** What the exit lines in the log say after `from`; undefined when there is none. Throws `ERR_EDGE_NODE`. */
export function readExitRecord(
  log: string | undefined,
  from: number,
): { lost: number; exitCode: number; line: string } | undefined {
  if (log === undefined || !statSync(log, { throwIfNoEntry: false })) return undefined;
  let text: string;
  try {
    text = readFrom(log, from);
  } catch (error) {
    throw new EdgeError(
      'ERR_EDGE_NODE',
      `The node has ended; its log cannot be read for the exit record: ${(error as Error).message}`,
      { log },
      { cause: error },
    );
  }
  const lines = [...text.matchAll(/lastcall: .* stopped after .*\blost (\d+)\b.*; exit (\d+)/g)];
  const [first] = lines;
  if (!first) return undefined;
  return {
    lost: lines.reduce((total, [, lost]) => total + Number(lost), 0),
    exitCode: Math.max(...lines.map(([, , code]) => Number(code))),
    line: lines.map(([line]) => line).join('\n'),
  };
}

/** Exit lines come last: more than this is not read of what a node wrote during its stop. */
const TAIL_BYTES = 16 * 1024 * 1024;

/** The end of a log, from an offset on; one that was rotated meanwhile begins anew. */
function readFrom(log: string, from: number): string {
  const fd = openSync(log, 'r');
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(size < from ? 0 : from, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - start);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got)
      got = readSync(fd, bytes, length, bytes.length - length, start + length);
    return bytes.subarray(0, length).toString('utf8');
  } finally {
    closeSync(fd);
  }
}
