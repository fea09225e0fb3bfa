import { createHash } from 'node:crypto';
import { contextTokens, type Followers, lookupIn, pack, type Tables } from './tables.ts';
import { bareToken, tokenize } from './tokens.ts';

/** Ends a paragraph; also what the model sees before a paragraph's first token. */
export const boundary = '\n\n';
export { contextTokens };

/** All that a model is; what a file of it holds. */
export interface TrainedModel {
  /** Changes with the corpus and the method: a saved state continues only on an equal model. */
  readonly fingerprint: string;
  readonly trainedTokens: number;
  readonly tables: Tables;
}

/** How often each token follows each context of 0 to `contextTokens` tokens. */
export interface NgramModel extends TrainedModel {
  /** From the longest known context to the empty one. */
  lookup(context: readonly string[]): Iterable<Followers>;
}

const separator = '\u0001';
const key = (context: readonly string[]): string => context.join(separator);
const contextOf = (key: string): string[] => (key === '' ? [] : key.split(separator));

interface Counting extends Followers {
  /** Where each token is; made when there are many. */
  places?: Map<string, number>;
}

const indexedFrom = 32;

function placeOf(followers: Counting, token: string): number {
  const { tokens } = followers;
  if (tokens.length < indexedFrom) return tokens.indexOf(token);
  followers.places ??= new Map(tokens.map((known, place) => [known, place]));
  return followers.places.get(token) ?? -1;
}

function count(table: Map<string, Counting>, context: readonly string[], token: string): void {
  const at = key(context);
  let followers = table.get(at);
  if (!followers) table.set(at, (followers = { tokens: [], counts: [], total: 0 }));
  const index = placeOf(followers, token);
  if (index === -1) {
    followers.places?.set(token, followers.tokens.length);
    followers.tokens.push(token);
    followers.counts.push(1);
  } else followers.counts[index] = (followers.counts[index] ?? 0) + 1;
  followers.total += 1;
}

/** Trains on paragraphs of plain text. Throws when there is nothing to learn from. */
export function train(paragraphs: readonly string[]): NgramModel {
  const table = new Map<string, Counting>();
  const hash = createHash('sha256').update(`words-${contextTokens}`);
  let trainedTokens = 0;
  for (const paragraph of paragraphs) {
    const tokens = [...tokenize(paragraph), boundary];
    if (tokens.length === 1) continue;
    hash.update(tokens.join('')).update('\u0000');
    const past = [boundary];
    for (const token of tokens) {
      for (let length = 0; length <= Math.min(contextTokens, past.length); length += 1)
        count(table, past.slice(past.length - length), token);
      past.push(bareToken(token) || token);
    }
    trainedTokens += tokens.length;
  }
  if (trainedTokens === 0)
    throw new Error('The text model has nothing to learn from: the corpus has no text.');

  return ngramModel({
    fingerprint: hash.digest('hex').slice(0, 16),
    trainedTokens,
    tables: pack(Array.from(table, ([at, followers]) => [contextOf(at), followers] as const)),
  });
}

/** A trained model, ready to be asked. */
export function ngramModel(trained: TrainedModel): NgramModel {
  const find = lookupIn(trained.tables);
  return {
    ...trained,
    *lookup(context) {
      for (let length = Math.min(contextTokens, context.length); length >= 0; length -= 1) {
        const followers = find(context.slice(context.length - length));
        if (followers) yield followers;
      }
    },
  };
}
