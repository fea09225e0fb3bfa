import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EdgeError } from '../errors.ts';
import type { Text } from '../read-text.ts';

/**
 * Replaces a file's content in one step: readers see the old text or the new. Mode and owner stay.
 * Throws `ERR_EDGE_CONFIG`, with the file as it was.
 */
export function replaceFile(file: string, text: Text): void {
  try {
    replace(file, text);
  } catch (error) {
    throw new EdgeError(
      'ERR_EDGE_CONFIG',
      `${file} cannot be written: ${(error as Error).message}. It is as it was.`,
      { file },
      { cause: error },
    );
  }
}

function replace(file: string, { text, encoding }: Text): void {
  // Behind a symbolic link (sites-enabled) the file itself is replaced, not the link.
  const target = realpathSync(file);
  const { mode, uid, gid } = statSync(target);
  // "include conf.d/*" takes no hidden file: a draft that a crash leaves behind is never configuration.
  const draft = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  rmSync(draft, { force: true });
  try {
    const fd = openSync(draft, 'wx', mode);
    try {
      writeFileSync(fd, text, encoding);
      fchmodSync(fd, mode);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (uid !== process.getuid?.() || gid !== process.getgid?.()) chownSync(draft, uid, gid);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  sync(dirname(target));
}

/** Readers see the new text already: what fails here (a folder that may not be read) undoes nothing. */
function sync(folder: string): void {
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // A crash of the host may bring the old text back, as one just before would have.
  }
}
