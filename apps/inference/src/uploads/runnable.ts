import { prose } from '../model/corpus.ts';
import { type NgramModel, train } from '../model/ngram.ts';
import { ModelError } from '../model/provider.ts';
import type { ModelStore } from './store.ts';

/** Training blocks the process: about half a second for a text of this size. */
export const runnableBytes = 256 * 1024;
const keptModels = 4;

const unfit = (name: string, why: string): ModelError =>
  new ModelError(
    { status: 400, code: 'model_not_runnable', param: 'model' },
    `The model '${name}' is stored but cannot be run here: ${why}.`,
  );

/**
 * Uploaded texts as models: the first use trains one, the last few stay trained. A model that was replaced is
 * another one. Resolves to `undefined` for a name that is not there; rejects with a {@link ModelError}.
 */
export function runnableModels(
  store: ModelStore,
): (name: string) => Promise<NgramModel | undefined> {
  const trained = new Map<string, Promise<NgramModel>>();

  async function make(name: string): Promise<NgramModel> {
    const found = await store.read(name);
    if (!found) throw unfit(name, 'it has just been replaced or deleted');
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(found.content);
    } catch {
      throw unfit(name, 'expected a text in UTF-8 to learn from');
    }
    const paragraphs = prose(text);
    if (paragraphs.length === 0) throw unfit(name, 'it has no paragraph of text');
    return train(paragraphs);
  }

  return async (name) => {
    const model = await store.get(name);
    if (!model) return undefined;
    if (model.bytes > runnableBytes)
      throw unfit(name, `expected at most ${runnableBytes} bytes of text, got ${model.bytes}`);
    const key = `${name} ${model.sha256}`;
    const made = trained.get(key) ?? make(name);
    trained.delete(key);
    trained.set(key, made);
    made.catch(() => trained.delete(key));
    for (const oldest of trained.keys()) {
      if (trained.size <= keptModels) break;
      trained.delete(oldest);
    }
    return made;
  };
}
