import type { Lifecycle } from 'lastcall';
import type { Config } from '../config.ts';
import { embeddedModelName } from '../model/embedded.ts';
import type { ModelProvider } from '../model/provider.ts';
import type { ModelStore } from './store.ts';
import type { ModelRouteParts } from './views.ts';

const idleMs = 30_000;
const keepMs = 24 * 3_600_000;
const cleanEveryMs = 3_600_000;

/** The models in `<data folder>/models`, which all workers of the node share. Uploads that nobody resumes are removed. */
export function openModels(
  config: Config,
  parts: {
    readonly lifecycle: Lifecycle;
    readonly provider: ModelProvider;
    readonly store: ModelStore;
    readonly say: (line: string) => void;
  },
): ModelRouteParts {
  const { lifecycle, provider, store, say } = parts;
  let cleaning = Promise.resolve();
  const clean = (): void => {
    cleaning = store.uploads.clean(keepMs).then(
      (names) => names.forEach((name) => say(`the unfinished upload of '${name}' was removed`)),
      (error: unknown) => say(`unfinished uploads: ${String(error)}`),
    );
  };
  const timer = setInterval(clean, cleanEveryMs).unref();
  clean();
  lifecycle.onClose('uploads', async () => {
    clearInterval(timer);
    await cleaning;
  });
  return {
    store,
    limits: { maxBytes: config.MODEL_UPLOAD_MAX_BYTES, idleMs },
    own: [
      { name: config.MODEL_UPSTREAM_NAME ?? embeddedModelName, type: provider.describe().type },
    ],
    say,
  };
}
