import assert from 'node:assert/strict';
import { test } from 'node:test';
import { incompleteBeta, lossInterval, promisesNeeded } from '../src/verdict/interval.ts';

const near = (actual: number, expected: number, tolerance = 1e-6): void => {
  assert(Math.abs(actual - expected) <= tolerance * expected, `${actual} is not ${expected}`);
};

/** P(at least k of n), summed: an independent way to the same figure. */
function atLeast(k: number, n: number, p: number): number {
  let sum = 0;
  for (let i = k; i <= n; i += 1) {
    let term = 1;
    for (let j = 0; j < i; j += 1) term *= ((n - j) / (i - j)) * p;
    sum += term * (1 - p) ** (n - i);
  }
  return sum;
}

test('the incomplete beta function is the binomial tail', () => {
  near(incompleteBeta(0.3, 4, 7), atLeast(4, 10, 0.3), 1e-9);
  near(incompleteBeta(0.9, 4, 7), atLeast(4, 10, 0.9), 1e-9);
});

test('without a loss the bound is 1 - (1 - confidence)^(1/n)', () => {
  const { low, high } = lossInterval(0, 1000, 0.999);
  assert.equal(low, 0);
  near(high, 1 - 0.001 ** (1 / 1000));
});

test('with losses each end leaves half of the rest of the confidence outside', () => {
  const { low, high } = lossInterval(3, 200, 0.95);
  near(atLeast(3, 200, low), 0.025);
  near(1 - atLeast(4, 200, high), 0.025);
});

test('all lost, and nothing promised', () => {
  assert.equal(lossInterval(5, 5, 0.95).high, 1);
  assert.deepEqual(lossInterval(0, 0, 0.95), { low: 0, high: 1 });
});

test('the promises needed show the rate, one fewer does not', () => {
  const needed = promisesNeeded(1e-4, 0.999);
  assert.equal(needed, 69_075);
  assert(lossInterval(0, needed, 0.999).high <= 1e-4);
  assert(lossInterval(0, needed - 1, 0.999).high > 1e-4);
});
