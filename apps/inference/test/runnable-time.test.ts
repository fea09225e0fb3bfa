import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prose } from '../src/model/corpus.ts';
import { train } from '../src/model/ngram.ts';

const length = 64 * 1024;

/** Texts that a client may upload to hold up the worker that learns from them. */
const texts: [name: string, text: string][] = [
  ['comments that do not end', '<!--'],
  ['open brackets', '['],
  ['links that do not end', '[]('],
  ['empty lines', '\n'],
  ['marks that do not close', '*a '],
  ['fences', '```\n'],
  ['table lines', '|a'],
].map(([name = '', piece = '']) => [name, piece.repeat(length / piece.length)]);
const words = Array.from({ length: length / 6 }, (_, n) => n.toString(36).padStart(5, 'a'));
texts.push(['words of which none comes twice', words.join(' ')]);

/** The time of one run, at best: what the machine does besides does not count. */
function bestMs(work: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const began = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}

for (const [name, text] of texts)
  test(`four times the text takes about four times as long: ${name}`, { timeout: 120_000 }, () => {
    const learn = (part: string) => () => {
      const paragraphs = prose(part);
      if (paragraphs.length > 0) train(paragraphs);
    };
    const quarterMs = bestMs(learn(text.slice(0, text.length / 4)));
    const wholeMs = bestMs(learn(text));
    // Sixteen times as long where each piece looks at all others.
    assert.ok(wholeMs < 50 || wholeMs < 9 * quarterMs, `${quarterMs} ms and ${wholeMs} ms`);
  });
