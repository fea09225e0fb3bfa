const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Parses `30s`, `1.5m`, `250ms`, `2h`; a plain number is in `plainUnit`. Used for YAML, flags and
 * the environment; code uses milliseconds. Returns undefined for anything else.
 */
export function parseDurationMs(text: string, plainUnit: 'ms' | 's' = 'ms'): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * UNIT_MS[match[2] ?? plainUnit]!;
}
