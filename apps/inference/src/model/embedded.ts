import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { begin, type GeneratorState, next, type Sampling } from './generator.ts';
import type { NgramModel } from './ngram.ts';
import { tokenize } from './tokens.ts';
import {
  type GenerateRequest,
  type GenerationPart,
  ModelError,
  type ModelProvider,
  nothingYet,
  type Standing,
} from './provider.ts';

export const embeddedModelName = 'lastcall-ngram';

/** Waits for the token's turn on an absolute schedule, so that a late timer does not slow the pace down. */
async function pace(began: number, index: number, perSecond: number, signal: AbortSignal) {
  const waitMs = began + (index * 1000) / perSecond - performance.now();
  try {
    // A token that is due needs no timer, but the sockets need their turn now and then.
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    else if (index % 32 === 0) await setImmediate();
  } catch {
    // The timer rejects with an AbortError; the caller is told the signal's own reason below.
  }
  signal.throwIfAborted();
}

interface Saved {
  readonly generator: GeneratorState;
  /** Characters of text up to this state. */
  readonly length: number;
}

const repeatedAtOnce = 256;

/** The state after what stands. Where the model has changed since, the text is continued as a prompt. */
async function stateAfter(
  model: NgramModel,
  request: GenerateRequest,
  standing: Standing,
  signal: AbortSignal,
): Promise<GeneratorState> {
  const prompt = promptOf(request);
  const sampling = samplingOf(request);
  const saved = standing.state as Saved | undefined;
  const usable = saved?.generator.fingerprint === model.fingerprint;
  let state = usable ? saved.generator : begin(model, prompt, request.seed);
  let length = usable ? saved.length : 0;
  while (length < standing.text.length) {
    const step = next(model, state, sampling);
    const text = step.token && textOf(state, step.token);
    if (!text || !standing.text.startsWith(text, length)) {
      const anew = begin(model, `${prompt}\n${standing.text}`, request.seed);
      return { ...anew, position: standing.outputTokens };
    }
    length += text.length;
    state = step.state;
    if (state.position % repeatedAtOnce === 0) await setImmediate();
    signal.throwIfAborted();
  }
  return state;
}

const promptOf = ({ messages }: GenerateRequest): string =>
  messages.map(({ text }) => text).join('\n');

const samplingOf = (request: GenerateRequest): Sampling => ({
  temperature: request.temperature,
  minTokens: request.minOutputTokens,
});

const textOf = ({ position }: GeneratorState, token: string): string =>
  position === 0 ? token.trimStart() : token;

async function* generate(
  model: NgramModel,
  tokensPerSecond: number,
  request: GenerateRequest,
  signal: AbortSignal,
  standing: Standing,
): AsyncGenerator<GenerationPart> {
  const sampling = samplingOf(request);
  let state = await stateAfter(model, request, standing, signal);
  let { length } = standing.text;
  const [began, first] = [performance.now(), state.position];
  let reason: 'stop' | 'length' = 'length';
  while (state.position < request.maxOutputTokens) {
    const step = next(model, state, sampling);
    if (step.token === undefined) {
      reason = 'stop';
      break;
    }
    await pace(began, step.state.position - first, tokensPerSecond, signal);
    const text = textOf(state, step.token);
    length += text.length;
    state = step.state;
    yield { type: 'delta', text, state: { generator: state, length } satisfies Saved };
  }
  const inputTokens = tokenize(promptOf(request)).length;
  yield { type: 'finish', reason, inputTokens, outputTokens: state.position };
}

/** The n-gram model as a provider, at a fixed pace; `find` knows models of other names. */
export function embeddedProvider(
  model: NgramModel,
  tokensPerSecond: number,
  find?: (name: string) => Promise<NgramModel | undefined>,
): ModelProvider {
  return {
    describe: () => ({ name: embeddedModelName, type: 'embedded', status: 'healthy' }),
    async start(request, signal, standing = nothingYet) {
      const used = request.model === embeddedModelName ? model : await find?.(request.model);
      if (!used)
        throw new ModelError(
          { status: 404, code: 'model_not_found', param: 'model' },
          `The model '${request.model}' does not exist here. This service runs '${embeddedModelName}'.`,
        );
      return generate(used, tokensPerSecond, request, signal, standing);
    },
  };
}
