import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Handover } from '@lastcall/handover';
import { createLifecycle, type Lifecycle } from 'lastcall';
import { appFolder, type Config } from './config.ts';
import { createApp } from './http/app.ts';
import { LastMoments } from './http/last-moments.ts';
import { openGrpc } from './grpc/server.ts';
import { boundedProvider } from './model/bounded.ts';
import { embeddedModelName, embeddedProvider } from './model/embedded.ts';
import type { ModelProvider } from './model/provider.ts';
import { upstreamProvider } from './model/upstream.ts';
import { TaskSockets } from './sockets/sockets.ts';
import { openWorks } from './storage/open.ts';
import { undrained } from './storage/patiently.ts';
import { openStorage, type Storage } from './storage/storage.ts';
import { forgetTasks } from './tasks/forget.ts';
import { TaskStore } from './tasks/store.ts';
import { runWorks } from './works/works.ts';
import { openModels } from './uploads/models.ts';
import { runnableModels } from './uploads/runnable.ts';
import { ModelStore } from './uploads/store.ts';
import { ownModel } from './warmup/own-model.ts';
import { WarmUp } from './warmup/warm-up.ts';

export const { version } = JSON.parse(readFileSync(join(appFolder, 'package.json'), 'utf8')) as {
  version: string;
};

export interface Service {
  readonly lifecycle: Lifecycle;
  readonly address: AddressInfo;
  /** Opens the database and begins to take work. A drain that can be undone holds it up. Resolves to false when a stop came first. */
  readonly open: () => Promise<boolean>;
}

function makeProvider(
  config: Config,
  { warmUp, store }: { warmUp: WarmUp; store: ModelStore },
  say: (line: string) => void,
): ModelProvider {
  if (config.MODEL_UPSTREAM_URL !== undefined) {
    say(`the model is the server at ${config.MODEL_UPSTREAM_URL}`);
    return upstreamProvider({
      url: config.MODEL_UPSTREAM_URL,
      apiKey: config.MODEL_UPSTREAM_API_KEY,
    });
  }
  const model = ownModel(warmUp);
  say(`the text model has learnt from ${model.trainedTokens} tokens of the project's documents`);
  return embeddedProvider(model, config.MODEL_TOKENS_PER_SECOND, runnableModels(store));
}

/**
 * Listens at once, so that a taken port is found before anything is made and probes are answered
 * while the database starts. Everything that is opened is closed by the lifecycle, in reverse order.
 */
export async function startService(config: Config, say: (line: string) => void): Promise<Service> {
  const warmUp = new WarmUp(join(config.LASTCALL_DATA_DIR, 'warm'), say);
  const store = new ModelStore(join(config.LASTCALL_DATA_DIR, 'models'));
  const provider = boundedProvider(makeProvider(config, { warmUp, store }, say));
  let storage: Storage | undefined;
  let handover: Handover | undefined;
  let tasks: TaskStore | undefined;
  const lifecycle = createLifecycle({
    name: 'inference',
    version,
    recordDir: join(config.LASTCALL_DATA_DIR, 'records'),
    info: () => ({
      storage: {
        type: storage?.type ?? 'postgresql',
        status: handover?.connected ? 'healthy' : 'unavailable',
      },
      model_providers: [provider.describe()],
    }),
  });
  // Each prediction under way listens.
  lifecycle.events.setMaxListeners(0);
  lifecycle.onCheckpoint('model tables', () => warmUp.save());
  const models = openModels(config, { lifecycle, provider, store, say });
  const lastMoments = new LastMoments(lifecycle);
  const defaultModel = config.MODEL_UPSTREAM_NAME ?? embeddedModelName;
  const app = createApp({
    lifecycle,
    models,
    defaultModel,
    isOpen: () => tasks !== undefined,
    handover: () => handover!,
    tasks: () => tasks!,
    lastMoments,
    say,
  });
  const sockets = new TaskSockets(app.server, { lifecycle, lastMoments });
  await app.listen({ port: config.PORT, host: config.HOST });
  if (config.GRPC_PORT !== undefined) {
    const at = { host: config.HOST, port: config.GRPC_PORT };
    const port = await openGrpc(at, { lifecycle, provider, defaultModel, say });
    say(`gRPC on ${config.HOST}:${port}`);
  }

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
    if (!(await undrained(lifecycle))) return false;

    const works = await openWorks(storage, { lifecycle, say });
    handover = works.handover;
    const taskStore = new TaskStore(handover, works.pool);
    tasks = taskStore;
    await forgetTasks(lifecycle, taskStore);
    while (!lifecycle.ready()) if (!(await undrained(lifecycle))) return false;
    sockets.serve(tasks);
    runWorks(handover, provider, config);
    return true;
  }

  return { lifecycle, address: app.server.address() as AddressInfo, open };
}
