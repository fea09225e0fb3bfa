import { appFolder, checkout } from '../../apps/inference/src/config.ts';
import { readCorpus } from '../../apps/inference/src/model/corpus.ts';
import { embeddedModelName, embeddedProvider } from '../../apps/inference/src/model/embedded.ts';
import { type NgramModel, train } from '../../apps/inference/src/model/ngram.ts';
import type { Random } from './random.ts';

export interface Ask {
  readonly input: string;
  readonly seed: number;
  readonly min_output_tokens: number;
  readonly max_output_tokens: number;
}

const inputs = ['When the server', 'The harbour', 'The night train', 'A drain'];

export const randomAsk = (random: Random, least: number, most: number): Ask => {
  const tokens = random.whole(least, most);
  return {
    input: random.pick(inputs),
    seed: random.whole(0, 2 ** 31),
    min_output_tokens: tokens,
    max_output_tokens: tokens,
  };
};

/** The model itself, asked directly: what each answer has to be, whatever happens to the workers. */
export class Oracle {
  readonly #model: NgramModel = train(readCorpus(appFolder, checkout));
  readonly #provider = embeddedProvider(this.#model, 1_000_000);

  async text(ask: Ask): Promise<string> {
    const request = {
      model: embeddedModelName,
      messages: [{ role: 'user' as const, text: ask.input }],
      seed: ask.seed,
      temperature: 1,
      minOutputTokens: ask.min_output_tokens,
      maxOutputTokens: ask.max_output_tokens,
    };
    let text = '';
    for await (const part of await this.#provider.start(request, new AbortController().signal))
      if (part.type === 'delta') text += part.text;
    return text;
  }

  /** Whether somebody has edited the documents that the model learns from: then nothing can be compared. */
  get changed(): boolean {
    return train(readCorpus(appFolder, checkout)).fingerprint !== this.#model.fingerprint;
  }
}
