import { randomInt } from 'node:crypto';
import { z } from 'zod';
import type { GenerateRequest } from '../model/provider.ts';

/** PostgreSQL keeps no text with a NUL or half a character in it. */
export const text = z
  .string()
  .refine((value) => value.isWellFormed() && !value.includes('\0'), 'expected text without NUL');

const textPart = z.strictObject({
  type: z.enum(['input_text', 'output_text'], 'only text is understood: input_text or output_text'),
  text,
});

const message = z.strictObject({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([text, z.array(textPart)], 'expected a text or a list of text parts'),
});

/** Messages and their parts together. They are counted first, because all that is wrong with each is collected. */
const mostParts = 2_000;

const partsOf = (list: readonly unknown[]): number =>
  list.reduce<number>((sum, item) => {
    const { content } = (item ?? {}) as { content?: unknown };
    return sum + 1 + (Array.isArray(content) ? content.length : 0);
  }, 0);

const messages = z
  .array(z.unknown())
  .refine((list) => partsOf(list) <= mostParts)
  .pipe(z.array(message));

const tokens = z.int().min(0).max(100_000);

/** The parameters that responses and tasks have in common. */
export const generationFields = {
  model: text.min(1).optional(),
  input: z.union(
    [text, messages],
    `expected a text or a list of messages, of at most ${mostParts} messages and parts`,
  ),
  instructions: text.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  max_output_tokens: tokens.min(1).nullish(),
  /** Not in the OpenAI API: the text does not end before this many tokens (embedded model). */
  min_output_tokens: tokens.nullish(),
  /** Not in the OpenAI API: the same prompt and seed give the same text (embedded model). */
  seed: z.int().nullish(),
};

type GenerationBody = z.output<z.ZodObject<typeof generationFields>>;

const defaultMaxTokens = 1_000;

/** A valid body in the model's terms. A seed is drawn when none was given, so that a rerun says the same. */
export function toGenerateRequest(body: GenerationBody, defaultModel: string): GenerateRequest {
  const messages =
    typeof body.input === 'string'
      ? [{ role: 'user' as const, text: body.input }]
      : body.input.map(({ role, content }) => ({
          role,
          text: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
        }));
  const instructions = body.instructions
    ? [{ role: 'system' as const, text: body.instructions }]
    : [];
  const least = body.min_output_tokens ?? 0;
  return {
    model: body.model ?? defaultModel,
    messages: [...instructions, ...messages],
    seed: body.seed ?? randomInt(2 ** 32),
    temperature: body.temperature ?? 1,
    minOutputTokens: least,
    maxOutputTokens: body.max_output_tokens ?? Math.max(defaultMaxTokens, 2 * least),
  };
}
