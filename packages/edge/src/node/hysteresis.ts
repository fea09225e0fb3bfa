/** Changes its mind only after `fall` bad answers, or `rise` good ones, in a row. */
export class Hysteresis {
  healthy = true;
  #against = 0;
  readonly #limits: { rise: number; fall: number };

  constructor({ rise, fall }: { rise: number; fall: number }) {
    this.#limits = { rise, fall };
  }

  note(good: boolean): void {
    if (good === this.healthy) {
      this.#against = 0;
      return;
    }
    this.#against += 1;
    if (this.#against < (this.healthy ? this.#limits.fall : this.#limits.rise)) return;
    this.healthy = good;
    this.#against = 0;
  }
}
