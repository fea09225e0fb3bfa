/** Times with a number each, the earliest first: a binary heap in two typed arrays. */
export class TimeHeap {
  size = 0;
  #times = new Float64Array(1_024);
  #values = new Int32Array(1_024);

  /** The earliest time; Infinity when there is none. */
  get firstMs(): number {
    return this.size === 0 ? Infinity : this.#times[0]!;
  }

  add(ms: number, value: number): void {
    if (this.size === this.#times.length) this.#grow();
    const times = this.#times;
    const values = this.#values;
    let at = this.size;
    this.size += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! <= ms) break;
      times[at] = times[parent]!;
      values[at] = values[parent]!;
      at = parent;
    }
    times[at] = ms;
    values[at] = value;
  }

  /** Removes the earliest and returns its number. */
  take(): number {
    const times = this.#times;
    const values = this.#values;
    const first = values[0]!;
    this.size -= 1;
    const size = this.size;
    const ms = times[size]!;
    const value = values[size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && times[child + 1]! < times[child]!) child += 1;
      if (times[child]! >= ms) break;
      times[at] = times[child]!;
      values[at] = values[child]!;
      at = child;
    }
    times[at] = ms;
    values[at] = value;
    return first;
  }

  #grow(): void {
    const times = new Float64Array(this.size * 2);
    const values = new Int32Array(this.size * 2);
    times.set(this.#times);
    values.set(this.#values);
    this.#times = times;
    this.#values = values;
  }
}
