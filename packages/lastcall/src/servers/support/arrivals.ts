/** Chance, at the most, that all sources were silent by accident. */
const RISK = 0.001;
/** The shortest silence that counts: below it a pause of this process itself looks like one. */
const FLOOR_MS = 200;
/** Sources that cannot be judged within this time are not waited for. */
const LONGEST_MS = 5_000;
/** Below this many arrivals a source has no rate. */
const ENOUGH = 8;
const WEIGHT = 0.1;
/** Beyond this number the source that was first seen longest ago is forgotten. */
const SOURCES_MAX = 1_024;

/** The arrivals of one source: mean and spread of its gaps, and the longest of late. */
class Source {
  count = 0;
  lastMs = 0;
  meanMs = 0;
  longestMs = 0;

  note(nowMs: number): void {
    if (this.count > 0) {
      const gapMs = nowMs - this.lastMs;
      this.meanMs = this.count === 1 ? gapMs : this.meanMs + WEIGHT * (gapMs - this.meanMs);
      // Decays over some hundred arrivals, so that one pause long ago does not hold every stop.
      this.longestMs = Math.max(gapMs, this.longestMs * 0.995);
    }
    this.count += 1;
    this.lastMs = nowMs;
  }

  /**
   * Silence that is an accident with a chance of `risk` at the most: arrivals at random are silent
   * for ln(1/risk) mean gaps (exponential gaps); bursts by half more than their longest gap.
   */
  windowMs(risk: number): number {
    return Math.max(this.meanMs * Math.log(1 / risk), this.longestMs * 1.5);
  }
}

/**
 * Decides that clients no longer come: per source, from its own rate, with a stated confidence. How
 * it does beside fixed sleeps, over many patterns of traffic, is in its test.
 */
export class Arrivals {
  readonly #sources = new Map<string, Source>();

  /** `source` is the peer's address: behind proxies each proxy is one. */
  note(nowMs: number, source: string): void {
    let found = this.#sources.get(source);
    if (!found) {
      found = new Source();
      this.#sources.set(source, found);
      if (this.#sources.size > SOURCES_MAX)
        this.#sources.delete(this.#sources.keys().next().value!);
    }
    found.note(nowMs);
  }

  /**
   * How long from `nowMs` silence must last until it shows that no more will come; 0 when that is so
   * already or when nothing regular came before. The risk is shared between the sources.
   */
  silenceMs(nowMs: number): number {
    const regular = [...this.#sources.values()].filter(({ count }) => count >= ENOUGH);
    const risk = RISK / Math.max(1, regular.length);
    let untilMs = nowMs;
    for (const source of regular) {
      const windowMs = source.windowMs(risk);
      // Waiting for a source slower than the bound proves nothing.
      if (windowMs <= LONGEST_MS)
        untilMs = Math.max(untilMs, source.lastMs + Math.max(FLOOR_MS, windowMs));
    }
    return untilMs - nowMs;
  }
}
