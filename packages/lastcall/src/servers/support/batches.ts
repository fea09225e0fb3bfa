const BATCH = 256;

/** Calls `visit` for each item, giving way to the event loop after every batch. */
export async function every<T>(
  items: Iterable<T>,
  visit: (item: T, index: number) => void,
): Promise<void> {
  let index = 0;
  for (const item of items) {
    visit(item, index);
    index += 1;
    if (index % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
