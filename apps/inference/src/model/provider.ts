export interface Message {
  readonly role: 'user' | 'assistant' | 'system' | 'developer';
  readonly text: string;
}

export interface GenerateRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly seed: number;
  readonly temperature: number;
  readonly maxOutputTokens: number;
  readonly minOutputTokens: number;
}

export type GenerationPart =
  | { readonly type: 'delta'; readonly text: string }
  | {
      readonly type: 'finish';
      /** `length`: cut at `maxOutputTokens`. */
      readonly reason: 'stop' | 'length';
      readonly inputTokens: number;
      readonly outputTokens: number;
    };

/** Where text comes from: the embedded model or an OpenAI-compatible server. */
export interface ModelProvider {
  /** As /v1/health lists it. */
  describe(): { name: string; type: string; status: 'healthy' | 'unavailable' };
  /**
   * Resolves when the model has taken the request; then gives deltas and one finish.
   * Throws {@link ModelError}, or the signal's reason once the signal aborts.
   */
  start(request: GenerateRequest, signal: AbortSignal): Promise<AsyncGenerator<GenerationPart>>;
}

/** What the model could not do, in the terms of the OpenAI error object. */
export class ModelError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly retryAfter: string | undefined;

  constructor(
    facts: { status: number; code: string; param?: string; retryAfter?: string | undefined },
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ModelError';
    this.status = facts.status;
    this.code = facts.code;
    this.param = facts.param ?? null;
    this.retryAfter = facts.retryAfter;
  }
}
