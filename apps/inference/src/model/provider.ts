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

/** Text that another worker has generated for the same request: the rest follows on it. */
export interface Standing {
  readonly text: string;
  readonly outputTokens: number;
  /** The state of some earlier delta; `start` repeats what lies between. */
  readonly state?: unknown;
}

export const nothingYet: Standing = { text: '', outputTokens: 0 };

export type GenerationPart =
  | {
      readonly type: 'delta';
      readonly text: string;
      /** From here `start` goes on without repeating; plain JSON. Not from an upstream model. */
      readonly state?: unknown;
    }
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
   * What stands already is not given again. The embedded model goes on with the very tokens that the
   * uninterrupted run has; an upstream model is asked to continue the text.
   * Throws {@link ModelError}, or the signal's reason once the signal aborts.
   */
  start(
    request: GenerateRequest,
    signal: AbortSignal,
    standing?: Standing,
  ): Promise<AsyncGenerator<GenerationPart>>;
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

  /** Trying the same request again would be refused again. */
  get permanent(): boolean {
    return this.status < 500 && this.status !== 429;
  }

  /** What is kept of it with a work that failed. */
  toJSON(): object {
    const { message, status, code, param, retryAfter = null } = this;
    return { message, status, code, param, retryAfter };
  }
}
