// What a terminal shows when all is written: the last line says what runs, and nothing of it stays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../src/drill-progress.ts';

/** A terminal that understands what the progress writes: a line feed, and the clearing of the last line. */
class Terminal {
  readonly isTTY: boolean;
  readonly columns = 50;
  readonly lines = [''];

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    for (const line of text.split(/(\n)/)) {
      if (line === '\n') this.lines.push('');
      else {
        // What stands before the last clearing of the line is not seen any more.
        const [shown = '', ...cleared] = line.split('\r\u001b[2K').toReversed();
        this.lines.push((cleared.length > 0 ? '' : (this.lines.pop() ?? '')) + shown);
        if (cleared.length > 0) this.lines.splice(-2, 1);
      }
    }
  }
}

test('the last line says what runs, cut to the width, and is gone at the end', () => {
  const terminal = new Terminal(true);
  const progress = new Progress(terminal);
  progress.started('http1/a', 3);
  progress.started('http1/b', 3);
  assert.deepEqual(terminal.lines, ['0 of 3 done; running http1/a, http1/b']);
  progress.ended('http1/a', 'pass  http1/a');
  assert.deepEqual(terminal.lines, ['pass  http1/a', '1 of 3 done; running http1/b']);
  progress.started('http1/a-name-that-is-too-long-for-this', 3);
  assert.equal(terminal.lines.at(-1)?.length, 49);
  progress.ended('http1/b');
  progress.ended('http1/a-name-that-is-too-long-for-this');
  progress.end();
  assert.deepEqual(terminal.lines, ['pass  http1/a', '']);
});

test('what is no terminal gets the lines of the cases alone', () => {
  const file = new Terminal(false);
  const progress = new Progress(file);
  progress.started('http1/a', 2);
  progress.ended('http1/a', 'pass  http1/a');
  progress.ended('http1/b');
  progress.end();
  assert.deepEqual(file.lines, ['pass  http1/a', '']);
});
