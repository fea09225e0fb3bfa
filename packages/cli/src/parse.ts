import { Option, InvalidArgumentError } from 'commander';
import { parseDurationMs } from 'lastcall';

/** Parses a whole number from `low` to `high`. */
export const whole =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}, got ${text}.`);
  };

/** An option that takes a duration: milliseconds inside, `10s` outside. */
export function durationOption(flags: string, doc: string, fallbackMs: number): Option {
  return new Option(flags, doc).default(fallbackMs, `${fallbackMs / 1_000}s`).argParser((text) => {
    const ms = parseDurationMs(text, 's');
    if (ms !== undefined) return ms;
    throw new InvalidArgumentError(
      `Expected a duration such as 10s or 500ms (a plain number is seconds), got ${text}.`,
    );
  });
}
