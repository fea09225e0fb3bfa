/** Lets loops wait for a call. A call between `next()` and the await is not missed. */
export class WakeUp {
  #next = Promise.withResolvers<void>();

  /** Resolves at the first call after this. */
  next(): Promise<void> {
    return this.#next.promise;
  }

  call(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
