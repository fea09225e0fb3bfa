/**
 * A reader who has had enough (`lastcall status | head -1`) ends no command: what is under way, such
 * as a drain, goes on. Anything else that keeps the output from being written fails the command.
 */
export function tolerateClosedOutput(): void {
  let failed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || failed) return;
    failed = true;
    process.stderr.write(`lastcall: standard output cannot be written: ${error.message}\n`);
  });
  // Nobody is left to be told; both may be one file on a full disk.
  process.stderr.on('error', () => undefined);
  process.once('exit', () => {
    if (failed) process.exitCode ||= 1;
  });
}

/** A message may quote a file, and a file may be binary: a terminal must not act on it. */
export const printable = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]/gu, '\uFFFD');
