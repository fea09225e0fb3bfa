// The counts of a model as one run of 32-bit numbers and a list of tokens: nothing has to be built when it
// is read from a file, and what was trained and what was read are looked up by the same code.

/** Tokens of context the longest table looks at. */
export const contextTokens = 3;

export interface Followers {
  readonly tokens: string[];
  readonly counts: number[];
  total: number;
}

export interface Tables {
  /** Token texts; the arrays name a token by its place here. */
  readonly tokens: readonly string[];
  /** Hash table: the number of a context plus one, 0 for none. Its length is a power of two. */
  readonly slots: Uint32Array;
  /** For each context its tokens plus one (0: shorter), then where its followers begin and how many there are. */
  readonly contexts: Uint32Array;
  /** A token and its count, in the order of their first appearance. */
  readonly followers: Uint32Array;
}

const contextWords = contextTokens + 2;

function slotOf(context: ArrayLike<number>, mask: number): number {
  let h = 0x811c9dc5;
  for (let index = 0; index < contextTokens; index += 1)
    h = Math.imul(h ^ (context[index] ?? 0), 0x01000193) ^ (h >>> 15);
  return (h ^ (h >>> 13)) & mask;
}

/** Packs what has been counted: each context's tokens, and its followers. */
export function pack(counted: Iterable<readonly [readonly string[], Followers]>): Tables {
  const numbers = new Map<string, number>();
  const numberOf = (token: string): number => {
    let number = numbers.get(token);
    if (number === undefined) numbers.set(token, (number = numbers.size));
    return number;
  };
  const contexts: number[] = [];
  const followers: number[] = [];
  for (const [context, { tokens, counts }] of counted) {
    for (let index = 0; index < contextTokens; index += 1) {
      const token = context[index];
      contexts.push(token === undefined ? 0 : numberOf(token) + 1);
    }
    contexts.push(followers.length, tokens.length);
    tokens.forEach((token, index) => followers.push(numberOf(token), counts[index] ?? 0));
  }
  const count = contexts.length / contextWords;
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 1)));
  const packed = Uint32Array.from(contexts);
  for (let context = 0; context < count; context += 1) {
    let slot = slotOf(packed.subarray(context * contextWords), slots.length - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = context + 1;
  }
  return {
    tokens: [...numbers.keys()],
    slots,
    contexts: packed,
    followers: Uint32Array.from(followers),
  };
}

/** Finds the followers of a context; `undefined` when it was never met. */
export function lookupIn({ tokens, slots, contexts, followers }: Tables) {
  const numbers = new Map(tokens.map((token, number) => [token, number + 1]));
  const read: (Followers | undefined)[] = [];
  const mask = slots.length - 1;

  function decode(at: number): Followers {
    const [start = 0, length = 0] = contexts.subarray(at + contextTokens, at + contextWords);
    const found = { tokens: [] as string[], counts: [] as number[], total: 0 };
    for (let index = start; index < start + 2 * length; index += 2) {
      const count = followers[index + 1] ?? 0;
      found.tokens.push(tokens[followers[index] ?? 0] ?? '');
      found.counts.push(count);
      found.total += count;
    }
    return found;
  }

  return (context: readonly string[]): Followers | undefined => {
    const wanted = new Uint32Array(contextTokens);
    for (let index = 0; index < context.length; index += 1) {
      const number = numbers.get(context[index] ?? '');
      if (number === undefined) return undefined;
      wanted[index] = number;
    }
    for (let slot = slotOf(wanted, mask); ; slot = (slot + 1) & mask) {
      const number = (slots[slot] ?? 0) - 1;
      if (number === -1) return undefined;
      const at = number * contextWords;
      if (wanted.every((token, index) => contexts[at + index] === token))
        return (read[number] ??= decode(at));
    }
  };
}
