// What must not outlive the bench, also when it is interrupted or takes too long.

const LIMIT_MS = 45 * 60_000;
const endings = new Set<() => Promise<unknown>>();

/** `end` runs when the bench is interrupted; call what is returned when it has run by itself. */
export function endsWithBench(end: () => Promise<unknown>): () => void {
  endings.add(end);
  return () => endings.delete(end);
}

async function endAll(code: number): Promise<void> {
  await Promise.allSettled([...endings].map((end) => end()));
  process.exit(code);
}

process.once('SIGINT', () => void endAll(130));
process.once('SIGTERM', () => void endAll(143));
setTimeout(() => {
  process.stderr.write(`> ended after ${LIMIT_MS / 60_000} minutes\n`);
  void endAll(1);
}, LIMIT_MS).unref();
