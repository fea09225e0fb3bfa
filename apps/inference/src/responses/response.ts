import type { ApiErrorBody } from '../http/errors.ts';
import type { GenerateRequest } from '../model/provider.ts';

export const isResponseId = (id: string): boolean => /^resp_[\da-f]{32}$/.test(id);
/** A response has one message; its id follows from the response's, so that every worker gives the same. */
export const messageId = (responseId: string): string => responseId.replace('resp_', 'msg_');

export interface OutputText {
  readonly type: 'output_text';
  text: string;
  readonly annotations: [];
  readonly logprobs: [];
}

export interface OutputMessage {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  status: 'in_progress' | 'completed' | 'incomplete';
  content: OutputText[];
}

interface Usage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: 0 };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: 0 };
  readonly total_tokens: number;
}

/** The Response object of the OpenAI API. */
export interface ResponseObject {
  readonly id: string;
  readonly object: 'response';
  readonly created_at: number;
  status: 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';
  error: { code: string; message: string } | null;
  incomplete_details: { reason: 'max_output_tokens' } | null;
  output: OutputMessage[];
  usage: Usage | null;
  readonly [echoed: string]: unknown;
}

/** What the request has beside the generation's parameters; given back as it came. */
export interface Echo {
  readonly instructions: string | null;
  readonly metadata: Record<string, string>;
  readonly background: boolean;
}

/** `digits`: 32 hexadecimal ones, which make its id. */
export function newResponse(digits: string, request: GenerateRequest, echo: Echo): ResponseObject {
  return {
    id: `resp_${digits}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    background: echo.background,
    error: null,
    incomplete_details: null,
    instructions: echo.instructions,
    max_output_tokens: request.maxOutputTokens,
    metadata: echo.metadata,
    model: request.model,
    output: [],
    parallel_tool_calls: false,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    seed: request.seed,
    store: true,
    temperature: request.temperature,
    text: { format: { type: 'text' } },
    tool_choice: 'none',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
  };
}

export function newMessage(responseId: string): OutputMessage {
  return {
    id: messageId(responseId),
    type: 'message',
    role: 'assistant',
    status: 'in_progress',
    content: [],
  };
}

export const newText = (text: string): OutputText => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs: [],
});

export function usage(inputTokens: number, outputTokens: number): Usage {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

export const responseError = ({ code, message }: ApiErrorBody) => ({
  code: code ?? 'server_error',
  message,
});
