import { type GenerateRequest, type GenerationPart, ModelError } from './provider.ts';

/** How one of the two OpenAI text APIs is asked and read. */
export interface Dialect {
  readonly path: string;
  body(request: GenerateRequest): object;
  /** A reader of one stream: the parts in one event's data. */
  parser(): (data: string) => GenerationPart[];
}

interface Usage {
  input_tokens?: number;
  output_tokens?: number;
  prompt_tokens?: number;
  completion_tokens?: number;
}

interface ResponsesEvent {
  type?: string;
  delta?: string;
  message?: string;
  code?: string;
  response?: { usage?: Usage; error?: { message?: string; code?: string } | null };
}

interface ChatChunk {
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[];
  usage?: Usage | null;
  error?: { message?: string; code?: string };
}

function failed(error: { message?: string; code?: string } | null | undefined): ModelError {
  return new ModelError(
    { status: 502, code: error?.code ?? 'upstream_error' },
    `The model server failed: ${error?.message ?? 'it gave no reason'}`,
  );
}

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
          return [{ type: 'delta', text: event.delta ?? '' }];
        case 'response.completed':
        case 'response.incomplete':
          return [
            {
              type: 'finish',
              reason: event.type === 'response.completed' ? 'stop' : 'length',
              inputTokens: event.response?.usage?.input_tokens ?? 0,
              outputTokens: event.response?.usage?.output_tokens ?? deltas,
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
            inputTokens: usage.prompt_tokens ?? 0,
            outputTokens: usage.completion_tokens ?? deltas,
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
      return [{ type: 'delta', text }];
    };
  },
};
