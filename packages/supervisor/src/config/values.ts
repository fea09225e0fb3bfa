import { z } from 'zod';
import { parseAddress } from '../sockets/address.ts';

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNITS_BYTES = {
  b: 1,
  kb: 2 ** 10,
  k: 2 ** 10,
  mb: 2 ** 20,
  m: 2 ** 20,
  gb: 2 ** 30,
  g: 2 ** 30,
};

/** A schema for `12`, `"12"` or `"12<unit>"`, as a number of the smallest unit. */
const measured = (units: Record<string, number>, example: string) =>
  z.union([z.number(), z.string()]).transform((raw, context) => {
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(String(raw).trim());
    const factor = match?.[2] === '' ? 1 : units[match?.[2]?.toLowerCase() ?? ''];
    if (match && factor !== undefined) return Math.round(Number(match[1]) * factor);
    context.addIssue({ code: 'custom', message: `expected ${example}` });
    return z.NEVER;
  });

export const duration = measured(UNITS_MS, 'a duration such as 30s, 5m or 250ms');
export const size = measured(UNITS_BYTES, 'a size such as 512mb or 1gb');

export const whole = (min: number, max = Number.MAX_SAFE_INTEGER) => {
  const message = `expected a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`;
  return z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], { error: message })
    .refine((n) => Number.isInteger(n) && n >= min && n <= max, { error: message });
};

export const text = z.string({ error: 'expected text' }).min(1, 'expected text, got nothing');

/** Where a socket can be bound, as it was written. */
export const address = text.refine(
  (given) => {
    try {
      return Boolean(parseAddress(given));
    } catch {
      return false;
    }
  },
  { error: 'expected HOST:PORT with a numeric host, [IPV6]:PORT or unix:PATH' },
);

export const flag = z.union(
  [z.boolean(), z.enum(['true', '1', 'false', '0']).transform((s) => s === 'true' || s === '1')],
  { error: 'expected true or false' },
);

export const share = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^[\d.]+$/)
        .transform(Number),
    ],
    { error: 'expected a number from 0 to 1' },
  )
  .refine((n) => n >= 0 && n <= 1, { error: 'expected a number from 0 to 1' });

/** A list in YAML; in a flag or the environment a text separated by commas. */
export const list = z.union(
  [
    z.array(z.string()),
    z.string().transform((s) =>
      s
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
    ),
  ],
  { error: 'expected a list of texts' },
);

export const pairs = z.record(z.string(), z.coerce.string(), {
  error: 'expected a map of NAME: value',
});
