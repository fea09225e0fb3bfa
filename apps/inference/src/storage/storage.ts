import { embeddedStorage } from './embedded.ts';

/** Where the database is. */
export interface Storage {
  readonly type: 'postgresql' | 'postgresql-embedded';
  /** The connection string; it does not change while the service runs. */
  url(): string;
  /** Called before each attempt to connect: starts the embedded server when it is not there. */
  ensure(): Promise<void>;
  /** After the last connection of this service: stops the embedded server unless others use it. */
  stop(): Promise<void>;
}

export interface StorageOptions {
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
}

export async function openStorage(
  { databaseUrl, dataDir }: StorageOptions,
  say: (line: string) => void,
): Promise<Storage> {
  if (databaseUrl === undefined) return embeddedStorage(dataDir, say);
  return {
    type: 'postgresql',
    url: () => databaseUrl,
    ensure: async () => undefined,
    stop: async () => undefined,
  };
}
