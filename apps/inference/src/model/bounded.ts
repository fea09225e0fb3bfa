import {
  type GenerationPart,
  ModelError,
  type ModelProvider,
  nothingYet,
  type Standing,
} from './provider.ts';

/** As JSON, in bytes. A work's last events and its checkpoint hold the whole text, and have to fit. */
const textMaxBytes = 2 * 1024 * 1024;

const bytesOf = (text: string): number => Buffer.byteLength(JSON.stringify(text));

async function* within(
  parts: AsyncGenerator<GenerationPart>,
  standing: Standing,
): AsyncGenerator<GenerationPart> {
  let bytes = bytesOf(standing.text);
  for await (const part of parts) {
    if (part.type === 'delta' && (bytes += bytesOf(part.text)) > textMaxBytes)
      throw new ModelError(
        { status: 422, code: 'text_too_large' },
        `The text would have more than ${textMaxBytes} bytes: ask for less of it.`,
      );
    yield part;
  }
}

/** A provider whose texts end, with an error, before they are too large to be kept. */
export const boundedProvider = (provider: ModelProvider): ModelProvider => ({
  describe: () => provider.describe(),
  start: async (request, signal, standing = nothingYet) =>
    within(await provider.start(request, signal, standing), standing),
});
