import { type GenerateRequest, type GenerationPart, ModelError } from './provider.ts';

/** How one of the two OpenAI text APIs is asked and read. */
export interface Dialect {
  readonly path: string;
  body(request: GenerateRequest): object;
  /** A reader of one stream: the parts in one event's data. */
  parser(): (data: string) => GenerationPart[];
}

// What a server sends is what it likes: values are looked at before they are used.
interface Usage {
  input_tokens?: unknown;
  output_tokens?: unknown;
  prompt_tokens?: unknown;
  completion_tokens?: unknown;
}

interface Failure {
  message?: unknown;
  code?: unknown;
}

interface ResponsesEvent extends Failure {
  type?: unknown;
  delta?: unknown;
  response?: { usage?: Usage | null; error?: Failure | null };
}

interface ChatChunk {
  choices?: { delta?: { content?: unknown }; finish_reason?: unknown }[];
  usage?: Usage | null;
  error?: Failure;
}

/** A code as clients can be told it; some servers give numbers. */
export const codeOf = (given: unknown): string =>
  (typeof given === 'string' || typeof given === 'number') &&
  /^[\x21-\x7e]{1,100}$/.test(String(given))
    ? String(given)
    : 'upstream_error';

/** A reason as clients can be told it: not a page, and no half of a character at its end. */
export const wordsOf = (given: unknown): string =>
  (typeof given === 'string' ? given : JSON.stringify(given)).slice(0, 500).toWellFormed();

function failed(error: Failure | null | undefined): ModelError {
  return new ModelError(
    { status: 502, code: codeOf(error?.code) },
    `The model server failed: ${wordsOf(error?.message ?? 'it gave no reason')}`,
  );
}

/** PostgreSQL keeps no text with a NUL or half a character in it. */
function textOf(given: unknown): string {
  if (typeof given === 'string') return given.replaceAll('\0', '').toWellFormed();
  throw failed({ message: 'a part of its text is no text' });
}

/** A number of tokens as it can be counted; `counted` where there is none. */
const tokensOf = (given: unknown, counted: number): number =>
  Number.isInteger(given) && Number(given) >= 0 && Number(given) < 2 ** 31
    ? Number(given)
    : counted;

export const responses: Dialect = {
  path: '/responses',
  body: (request) => ({
    model: request.model,
    input: request.messages.map(({ role, text }) => ({ role, content: text })),
    stream: true,
    store: false,
    temperature: request.temperature,
    max_output_tokens: request.maxOutputTokens,
  }),
  parser() {
    let deltas = 0;
    return (data) => {
      if (data === '[DONE]') return [];
      const event = JSON.parse(data) as ResponsesEvent;
      switch (event.type) {
        case 'response.output_text.delta':
          deltas += 1;
          return [{ type: 'delta', text: textOf(event.delta ?? '') }];
        case 'response.completed':
        case 'response.incomplete':
          return [
            {
              type: 'finish',
              reason: event.type === 'response.completed' ? 'stop' : 'length',
              inputTokens: tokensOf(event.response?.usage?.input_tokens, 0),
              outputTokens: tokensOf(event.response?.usage?.output_tokens, deltas),
            },
          ];
        case 'response.failed':
          throw failed(event.response?.error);
        case 'error':
          throw failed(event);
        default:
          return [];
      }
    };
  },
};

export const chat: Dialect = {
  path: '/chat/completions',
  body: (request) => ({
    model: request.model,
    // Few servers know the newer name of the system role here.
    messages: request.messages.map(({ role, text }) => ({
      role: role === 'developer' ? 'system' : role,
      content: text,
    })),
    stream: true,
    stream_options: { include_usage: true },
    temperature: request.temperature,
    seed: request.seed,
    max_tokens: request.maxOutputTokens,
  }),
  parser() {
    let deltas = 0;
    let reason: 'stop' | 'length' = 'stop';
    let usage: Usage = {};
    return (data) => {
      // The finish reason comes before the usage and the end mark, so the finish waits for the mark.
      if (data === '[DONE]')
        return [
          {
            type: 'finish',
            reason,
            inputTokens: tokensOf(usage.prompt_tokens, 0),
            outputTokens: tokensOf(usage.completion_tokens, deltas),
          },
        ];
      const chunk = JSON.parse(data) as ChatChunk;
      if (chunk.error) throw failed(chunk.error);
      if (chunk.usage) usage = chunk.usage;
      const choice = chunk.choices?.[0];
      if (choice?.finish_reason === 'length') reason = 'length';
      const text = choice?.delta?.content;
      if (!text) return [];
      deltas += 1;
      return [{ type: 'delta', text: textOf(text) }];
    };
  },
};
