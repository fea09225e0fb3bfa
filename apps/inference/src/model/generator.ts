// Pure generation: the next token follows from the model and the state alone, so a state saved
// after any token and continued elsewhere gives the same text.
import { boundary, contextTokens, type NgramModel } from './ngram.ts';
import { bareToken, tokenize } from './tokens.ts';

/** All that is needed to continue; plain JSON. */
export interface GeneratorState {
  readonly fingerprint: string;
  readonly seed: number;
  /** Tokens generated so far. */
  readonly position: number;
  readonly context: readonly string[];
}

export interface Sampling {
  /** 0 always takes the commonest follower, 1 follows the corpus; up to 2. */
  readonly temperature: number;
  /** The text does not end before this many tokens; a paragraph end becomes a new paragraph. */
  readonly minTokens: number;
}

export interface Step {
  /** `undefined` when the text has come to its end. */
  readonly token: string | undefined;
  readonly state: GeneratorState;
}

const discount = 0.35;

export class ModelChangedError extends Error {
  readonly code = 'MODEL_CHANGED';
}

/** 32 well-mixed bits from a list of 32-bit numbers (the finaliser of MurmurHash3, once for each). */
function mix(...values: number[]): number {
  let h = 0x9e3779b9;
  for (const value of values) {
    h = Math.imul(h ^ value, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

/** The state before the first token. @param seed a safe integer; the prompt is mixed into it. */
export function begin(model: NgramModel, prompt: string, seed: number): GeneratorState {
  const tokens = tokenize(prompt).map(bareToken);
  let mixed = mix(seed | 0, Math.floor(seed / 2 ** 32) | 0);
  for (const token of tokens)
    for (const character of token) mixed = mix(mixed, character.codePointAt(0) ?? 0);
  const context = [boundary, ...tokens].slice(-contextTokens);
  return { fingerprint: model.fingerprint, seed: mixed, position: 0, context };
}

function sample(model: NgramModel, state: GeneratorState, temperature: number): string {
  let draw = 0;
  const uniform = (): number => mix(state.seed, state.position, (draw += 1)) / 2 ** 32;
  let chosen = boundary;
  for (const { tokens, counts, total } of model.lookup(state.context)) {
    const weights = temperature === 1 ? counts : counts.map((n) => n ** (1 / temperature));
    let rest = uniform() * weights.reduce((sum, weight) => sum + weight, 0);
    const index =
      temperature === 0
        ? counts.indexOf(Math.max(...counts))
        : weights.findIndex((weight) => (rest -= weight) < 0);
    chosen = tokens[Math.max(index, 0)] ?? boundary;
    // Absolute discounting: each kind of follower gives up a part of one count to the shorter context.
    if (temperature === 0 || uniform() >= (discount * tokens.length) / total) break;
  }
  return chosen;
}

/** A paragraph's first word was learnt without a space; met elsewhere it needs one. */
function spaced(token: string, context: readonly string[]): string {
  const before = context.at(-1) ?? boundary;
  const word = /^[\p{L}\p{N}]/u.test(token);
  return word && before !== boundary && !/^[\p{Ps}\p{Pi}"'/]$/u.test(before) ? ` ${token}` : token;
}

/** One token further. Throws {@link ModelChangedError} when the state comes from another model. */
export function next(model: NgramModel, state: GeneratorState, sampling: Sampling): Step {
  if (state.fingerprint !== model.fingerprint)
    throw new ModelChangedError(
      `The saved state comes from model ${state.fingerprint}, this one is ${model.fingerprint}: start again from the prompt.`,
    );
  const token = sample(model, state, sampling.temperature);
  if (token === boundary && state.position >= sampling.minTokens)
    return { token: undefined, state };
  const context = [...state.context, bareToken(token) || token].slice(-contextTokens);
  const text = spaced(token, state.context);
  return { token: text, state: { ...state, position: state.position + 1, context } };
}
