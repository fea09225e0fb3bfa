import type { Progress } from '@lastcall/planner';

const EVERY_MS = 250;
/** To the start of the line, and clear it. */
const CLEAR = '\r\u001B[K';

/** Shows on a terminal how far a file has been read; nothing elsewhere. */
export class ProgressLine {
  readonly #startedMs = performance.now();
  #shownMs = -Infinity;
  #shown = false;

  show = (progress: Progress): void => {
    const nowMs = performance.now();
    if (!process.stderr.isTTY || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    this.#shown = true;
    const text = describe(progress, nowMs - this.#startedMs);
    process.stderr.write(CLEAR + text.slice(0, (process.stderr.columns || 80) - 1));
  };

  /** Leaves the line empty. */
  end(): void {
    if (this.#shown) process.stderr.write(CLEAR);
  }
}

function describe({ bytes, totalBytes, read, skipped }: Progress, tookMs: number): string {
  const megabytes = (count: number): string => (count / 1e6).toFixed(0);
  const rate = bytes / 1e3 / Math.max(tookMs, 1);
  const whole =
    totalBytes === null
      ? ''
      : ` of ${megabytes(totalBytes)} (${Math.floor((bytes / totalBytes) * 100)} %)`;
  return `read ${megabytes(bytes)} MB${whole}, ${rate.toFixed(0)} MB/s: ${read} durations, ${skipped} lines skipped`;
}
