import type { ReadStream } from 'node:tty';
import type { Point } from './curve.ts';
import { draw, type View } from './draw.ts';
import { follow, type Look } from './follow.ts';
import { paintFor } from './text.ts';

const EVERY_MS = 500;
const KEPT_MS = 65_000;
const QUIT = ['q', 'Q', '\u0003', '\u0004'];
/** The other screen, without a cursor; and back. */
const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';

/** Draws the node anew at each look and each change of size, until q or Ctrl-C. Leaves the terminal as it was. */
export async function onScreen(control: string): Promise<void> {
  const end = new AbortController();
  const screen = new Screen();
  const keys = readKeys(() => end.abort());
  process.stdout.on('resize', screen.draw);
  process.on('SIGCONT', screen.draw);
  process.once('exit', screen.leave);
  try {
    await follow(control, screen, end);
  } finally {
    process.stdout.off('resize', screen.draw);
    process.off('SIGCONT', screen.draw);
    process.off('exit', screen.leave);
    screen.leave();
    keys.end();
  }
}

class Screen {
  readonly everyMs = EVERY_MS;
  readonly #paint = paintFor(process.env);
  readonly #points: Point[] = [];
  #look: Look | undefined;
  #expected: View['expected'];
  #gone: string | undefined;
  #entered = false;

  see(look: Look): void {
    const { inFlight, estimate, stopSeconds } = look;
    const nowMs = performance.now();
    this.#points.push({ atMs: nowMs, inFlight });
    while (this.#points[0]!.atMs < nowMs - KEPT_MS) this.#points.shift();
    const { p50Ms, p90Ms } = estimate;
    if (stopSeconds === 0) this.#expected = undefined;
    else if (!this.#expected && inFlight > 0 && p50Ms !== null && p90Ms !== null) {
      const sinceMs = stopSeconds * 1_000;
      this.#expected = { p50Ms: sinceMs + p50Ms, p90Ms: sinceMs + p90Ms };
    }
    this.#look = look;
    this.#gone = undefined;
    this.draw();
  }

  gone(why: string): void {
    this.#gone = why;
    this.draw();
  }

  draw = (): void => {
    if (!this.#look) return;
    const view: View = {
      look: this.#look,
      points: this.#points,
      expected: this.#expected,
      gone: this.#gone,
      nowMs: performance.now(),
    };
    // A terminal that does not know its size says 0.
    const size = { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
    const lines = draw(view, size, this.#paint);
    const enter = this.#entered ? '' : ENTER;
    this.#entered = true;
    // Each line is cleared to its end, and the rest of the screen below: nothing flickers.
    process.stdout.write(`${enter}\u001B[H${lines.join('\u001B[K\r\n')}\u001B[K\u001B[J`);
  };

  leave = (): void => {
    if (this.#entered) process.stdout.write(LEAVE);
    this.#entered = false;
  };
}

/** Calls `quit` for q and Ctrl-C. A raw terminal sends the latter as a character, not as a signal. */
function readKeys(quit: () => void): { end(): void } {
  const stdin = process.stdin as ReadStream;
  if (!stdin.isTTY) return { end: () => undefined };
  const onKey = (keys: Buffer): void => {
    if (QUIT.some((key) => keys.includes(key))) quit();
  };
  stdin.setRawMode(true);
  stdin.on('data', onKey);
  return {
    end() {
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
