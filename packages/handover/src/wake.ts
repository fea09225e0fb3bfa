// A NOTIFY payload is a wake-up, never data: who gets it reads what is new by its number.
const payloadMaxBytes = 7_500;

/** `e num:last num:last ...`, in as many payloads as it takes; `last` is infinite where a run ended. */
export function wakeEvents(advances: (readonly [num: string, last: number])[]): string[] {
  const payloads: string[] = [];
  let payload = '';
  for (const [num, last] of advances) {
    const entry = ` ${num}:${last}`;
    if (payload !== '' && payload.length + entry.length > payloadMaxBytes) {
      payloads.push(payload);
      payload = '';
    }
    payload = (payload === '' ? 'e' : payload) + entry;
  }
  if (payload !== '') payloads.push(payload);
  return payloads;
}

/** The pairs of a payload made by `wakeEvents`. */
export function* advancesOf(payload: string): Iterable<[num: string, last: number]> {
  for (const entry of payload.slice(2).split(' ')) {
    const at = entry.indexOf(':');
    yield [entry.slice(0, at), Number(entry.slice(at + 1))];
  }
}
