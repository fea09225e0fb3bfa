import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { begin, next } from './generator.ts';
import type { NgramModel } from './ngram.ts';
import { tokenize } from './tokens.ts';
import {
  type GenerateRequest,
  type GenerationPart,
  ModelError,
  type ModelProvider,
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

async function* generate(
  model: NgramModel,
  tokensPerSecond: number,
  request: GenerateRequest,
  signal: AbortSignal,
): AsyncGenerator<GenerationPart> {
  const prompt = request.messages.map(({ text }) => text).join('\n');
  const sampling = { temperature: request.temperature, minTokens: request.minOutputTokens };
  const inputTokens = tokenize(prompt).length;
  const began = performance.now();
  let state = begin(model, prompt, request.seed);
  let reason: 'stop' | 'length' = 'length';
  while (state.position < request.maxOutputTokens) {
    const step = next(model, state, sampling);
    if (step.token === undefined) {
      reason = 'stop';
      break;
    }
    await pace(began, step.state.position, tokensPerSecond, signal);
    yield { type: 'delta', text: state.position === 0 ? step.token.trimStart() : step.token };
    state = step.state;
  }
  yield { type: 'finish', reason, inputTokens, outputTokens: state.position };
}

/** The n-gram model as a provider, at a fixed pace. */
export function embeddedProvider(model: NgramModel, tokensPerSecond: number): ModelProvider {
  return {
    describe: () => ({ name: embeddedModelName, type: 'embedded', status: 'healthy' }),
    async start(request, signal) {
      if (request.model !== embeddedModelName)
        throw new ModelError(
          { status: 404, code: 'model_not_found', param: 'model' },
          `The model '${request.model}' does not exist here. This service runs '${embeddedModelName}'.`,
        );
      return generate(model, tokensPerSecond, request, signal);
    },
  };
}
