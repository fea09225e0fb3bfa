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
import { dirname } from 'node:path';

/** Replaces a file's content in one step: readers see the old text or the new. Mode and owner stay. */
export function replaceFile(file: string, text: string): void {
  // Behind a symbolic link (sites-enabled) the file itself is replaced, not the link.
  const target = realpathSync(file);
  const { mode, uid, gid } = statSync(target);
  const draft = `${target}.${process.pid}.new`;
  try {
    const fd = openSync(draft, 'wx', mode);
    try {
      writeFileSync(fd, text);
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
  const folder = openSync(dirname(target), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
