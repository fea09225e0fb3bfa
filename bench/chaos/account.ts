/** What clients were promised and what they got, kept outside of the system. */
export class Account {
  readonly counts: Record<string, number> = {};
  readonly violations: string[] = [];
  readonly gapsMs: number[] = [];

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** A promise was broken. */
  violation(what: string): void {
    this.violations.push(what);
  }

  print(say: (line: string) => void): void {
    for (const [what, count] of Object.entries(this.counts).toSorted(([a], [b]) =>
      a.localeCompare(b),
    ))
      say(`  ${what.padEnd(44)} ${String(count).padStart(7)}`);
    const gaps = this.gapsMs.toSorted((a, b) => a - b);
    const at = (part: number): string => (gaps[Math.floor(gaps.length * part)] ?? 0).toFixed(0);
    say(`  longest silence of a stream: median ${at(0.5)} ms, p90 ${at(0.9)} ms`);
    say(
      this.violations.length === 0
        ? 'No promise was broken: 0 tasks lost, 0 results never delivered, 0 effects twice, 0 stream events missing or repeated.'
        : `BROKEN PROMISES: ${this.violations.length}`,
    );
    for (const violation of this.violations.slice(0, 50)) say(`  - ${violation}`);
  }
}
