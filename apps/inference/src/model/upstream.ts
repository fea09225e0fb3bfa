// An OpenAI-compatible server as the model: its Responses API, or Chat Completions where it has no other.
import {
  type GenerateRequest,
  type GenerationPart,
  ModelError,
  type ModelProvider,
  nothingYet,
  type Standing,
} from './provider.ts';
import { readEvents } from './sse-reader.ts';
import { type Dialect, chat, codeOf, responses, wordsOf } from './upstream-dialects.ts';

export interface UpstreamOptions {
  /** Base address, with the version: http://127.0.0.1:8000/v1 */
  readonly url: string;
  readonly apiKey: string | undefined;
}

/** Characters of a refusal that are read at least, where there are so many. */
const worthReading = 64 * 1024;

async function beginning({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > worthReading) break;
    }
  } catch {
    // It broke off: what came is what there is to tell.
  }
  return text;
}

/** The upstream's own words, from an OpenAI error body where there is one. */
async function errorText(response: Response): Promise<{ message: string; code?: unknown }> {
  const text = await beginning(response);
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown; code?: unknown } };
    if (error?.message) return { message: wordsOf(error.message), code: error.code };
  } catch {
    // Not JSON: the text itself is what there is to tell.
  }
  return { message: wordsOf(text || response.statusText) };
}

async function refused(url: string, response: Response): Promise<ModelError> {
  const { message, code } = await errorText(response);
  const retryAfter = response.headers.get('retry-after') ?? undefined;
  const told = `The model server at ${url} answered ${response.status}: ${message}`;
  // The caller's own mistakes and rate limits are passed on; a refused key is this service's fault.
  const passed = [400, 404, 413, 422, 429].includes(response.status);
  return new ModelError(
    { status: passed ? response.status : 502, code: codeOf(code), retryAfter },
    told,
  );
}

/** A model that is not deterministic cannot repeat what stands; it can only be asked to continue it. */
function continued(request: GenerateRequest, { text, outputTokens }: Standing): GenerateRequest {
  if (text === '') return request;
  const left = (tokens: number): number => Math.max(0, tokens - outputTokens);
  return {
    ...request,
    messages: [...request.messages, { role: 'assistant', text }],
    maxOutputTokens: Math.max(1, left(request.maxOutputTokens)),
    minOutputTokens: left(request.minOutputTokens),
  };
}

export function upstreamProvider({ url, apiKey }: UpstreamOptions): ModelProvider {
  const base = url.replace(/\/+$/, '');
  let dialect: Dialect | undefined;
  let healthy = true;

  async function post(spoken: Dialect, request: GenerateRequest, signal: AbortSignal) {
    try {
      const response = await fetch(`${base}${spoken.path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
        },
        body: JSON.stringify(spoken.body(request)),
        signal,
      });
      healthy = response.status < 500;
      return response;
    } catch (cause) {
      signal.throwIfAborted();
      healthy = false;
      throw new ModelError(
        { status: 502, code: 'upstream_unreachable' },
        `The model server at ${base} cannot be reached: check MODEL_UPSTREAM_URL and that it runs.`,
        { cause },
      );
    }
  }

  async function* read(
    spoken: Dialect,
    body: ReadableStream<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationPart> {
    const parse = spoken.parser();
    try {
      for await (const data of readEvents(body)) {
        for (const part of parse(data)) {
          yield part;
          if (part.type === 'finish') return;
        }
      }
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof ModelError) throw cause;
      throw new ModelError(
        { status: 502, code: 'upstream_error' },
        `The stream of the model server at ${base} broke off.`,
        { cause },
      );
    }
    throw new ModelError(
      { status: 502, code: 'upstream_error' },
      `The stream of the model server at ${base} ended before its final event.`,
    );
  }

  /** The rest of an answer whose beginning stands: the model is given it as its own words. */
  async function* goOn(
    parts: AsyncGenerator<GenerationPart>,
    { outputTokens }: Standing,
  ): AsyncGenerator<GenerationPart> {
    for await (const part of parts)
      yield part.type === 'finish'
        ? { ...part, outputTokens: part.outputTokens + outputTokens }
        : part;
  }

  return {
    describe: () => ({ name: base, type: 'openai', status: healthy ? 'healthy' : 'unavailable' }),
    async start(wanted, signal, standing = nothingYet) {
      const request = continued(wanted, standing);
      let spoken = dialect ?? responses;
      let response = await post(spoken, request, signal);
      // 404 is also "no such model": only a server that was never heard to speak Responses is asked again.
      if (!dialect && [404, 405, 501].includes(response.status)) {
        const second = await post(chat, request, signal);
        if (second.ok) {
          await response.body?.cancel();
          [spoken, response] = [chat, second];
        } else await second.body?.cancel();
      }
      if (!response.ok || !response.body) throw await refused(base, response);
      dialect = spoken;
      return goOn(read(spoken, response.body, signal), standing);
    },
  };
}
