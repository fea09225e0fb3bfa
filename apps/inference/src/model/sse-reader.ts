/** The largest event that is taken, in characters: one that repeats a whole prompt and a whole text fits. */
const largest = 16 * 1024 * 1024;

/**
 * The `data` of each event of a server-sent event stream (comments, ids and event names are passed over).
 * Throws for an event without an end.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = '';
  let data: string[] = [];
  let size = 0;
  for await (const chunk of body) {
    // Only what is new is looked through; a CR at its end waits for what may be its LF.
    const held = pending.endsWith('\r') ? '\r' : '';
    const lines = (held + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    lines[0] = pending.slice(0, pending.length - held.length) + lines[0];
    pending = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5));
        size += line.length;
      } else if (line === '' && data.length > 0) {
        yield data.join('\n');
        [data, size] = [[], 0];
      }
    }
    if (size + pending.length > largest) throw new Error(`An event is larger than ${largest}.`);
  }
}
