import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createLifecycle, type Lifecycle } from 'lastcall';
import pg from 'pg';
import { appFolder, type Config } from './config.ts';
import { createApp } from './http/app.ts';
import { embeddedModelName, embeddedProvider } from './model/embedded.ts';
import type { ModelProvider } from './model/provider.ts';
import { upstreamProvider } from './model/upstream.ts';
import { Session } from './storage/session.ts';
import { openStorage, type Storage } from './storage/storage.ts';
import { TaskRunner } from './tasks/runner.ts';
import { TaskStore } from './tasks/store.ts';
import { openModels } from './uploads/models.ts';
import { ownModel } from './warmup/own-model.ts';
import { WarmUp } from './warmup/warm-up.ts';

export const { version } = JSON.parse(readFileSync(join(appFolder, 'package.json'), 'utf8')) as {
  version: string;
};

export interface Service {
  readonly lifecycle: Lifecycle;
  readonly address: AddressInfo;
  /** Opens the database and begins to take work. Resolves to false when a stop came first. */
  readonly open: () => Promise<boolean>;
}

function makeProvider(config: Config, warmUp: WarmUp, say: (line: string) => void): ModelProvider {
  if (config.MODEL_UPSTREAM_URL !== undefined) {
    say(`the model is the server at ${config.MODEL_UPSTREAM_URL}`);
    return upstreamProvider({
      url: config.MODEL_UPSTREAM_URL,
      apiKey: config.MODEL_UPSTREAM_API_KEY,
    });
  }
  const model = ownModel(warmUp);
  say(`the text model has learnt from ${model.trainedTokens} tokens of the project's documents`);
  return embeddedProvider(model, config.MODEL_TOKENS_PER_SECOND);
}

/**
 * Listens at once, so that a taken port is found before anything is made and probes are answered
 * while the database starts. Everything that is opened is closed by the lifecycle, in reverse order.
 */
export async function startService(config: Config, say: (line: string) => void): Promise<Service> {
  const warmUp = new WarmUp(join(config.LASTCALL_DATA_DIR, 'warm'), say);
  const provider = makeProvider(config, warmUp, say);
  let storage: Storage | undefined;
  let session: Session | undefined;
  let store: TaskStore | undefined;
  const lifecycle = createLifecycle({
    name: 'inference',
    version,
    recordDir: join(config.LASTCALL_DATA_DIR, 'records'),
    info: () => ({
      storage: {
        type: storage?.type ?? 'postgresql',
        status: session?.owner === undefined ? 'unavailable' : 'healthy',
      },
      model_providers: [provider.describe()],
    }),
  });
  lifecycle.onCheckpoint('model tables', () => warmUp.save());
  const models = openModels(config, lifecycle, provider, say);
  const app = createApp({
    lifecycle,
    models,
    provider,
    defaultModel: config.MODEL_UPSTREAM_NAME ?? embeddedModelName,
    store: () => store!,
    say,
  });
  await app.listen({ port: config.PORT, host: config.HOST });

  async function open(): Promise<boolean> {
    const opening = openStorage(
      { databaseUrl: config.DATABASE_URL, dataDir: config.LASTCALL_DATA_DIR },
      say,
    );
    lifecycle.onClose('storage', () =>
      opening.then(
        (opened) => opened.stop(),
        () => undefined, // told where it failed
      ),
    );
    storage = await opening;
    if (lifecycle.currentStop) return false;

    const keeper = (session = new Session(storage, say));
    lifecycle.onClose('database session', () => keeper.close());
    await keeper.open();
    if (lifecycle.currentStop) return false;

    const pool = new pg.Pool({ connectionString: storage.url(), connectionTimeoutMillis: 5_000 });
    pool.on('error', () => undefined); // an idle connection broke: the pool makes a new one
    lifecycle.onClose('database pool', () => pool.end());

    store = new TaskStore(pool);
    const concurrency = config.TASK_CONCURRENCY;
    const runner = new TaskRunner({ lifecycle, session, store, provider, concurrency, say });
    lifecycle.onDrain('task runner', () => runner.pause());
    lifecycle.onResume('task runner', () => runner.resume());
    lifecycle.onClose('task runner', () => runner.close());
    if (!lifecycle.ready()) return false;
    runner.start();
    return true;
  }

  return { lifecycle, address: app.server.address() as AddressInfo, open };
}
