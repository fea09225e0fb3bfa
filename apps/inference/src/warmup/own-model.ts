import { readFileSync } from 'node:fs';
import { appFolder, checkout } from '../config.ts';
import { corpusFiles, readCorpus } from '../model/corpus.ts';
import { embeddedModelName } from '../model/embedded.ts';
import { type NgramModel, train } from '../model/ngram.ts';
import { sourceOf } from './source.ts';
import type { WarmUp } from './warm-up.ts';

/** The service's own model: as an earlier process saved it, or trained on the project's documents. */
export function ownModel(warmUp: WarmUp): NgramModel {
  const texts = corpusFiles(appFolder, checkout).map((file) => readFileSync(file));
  return warmUp.model(embeddedModelName, sourceOf(texts), () =>
    train(readCorpus(appFolder, checkout)),
  );
}
