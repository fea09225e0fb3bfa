// The good server's drill.yaml, run on the Node that runs the tests.
import { loadConfig } from '../../src/config/load.ts';
import type { DrillConfig } from '../../src/config/schema.ts';

const file = new URL('../fixtures/drill.yaml', import.meta.url).pathname;

/** The configuration of the good server, or of one with exactly one thing broken. */
export function goodConfig(slug: string, mutant?: string): DrillConfig {
  const config = loadConfig(file);
  const reloads = slug.startsWith('reload/');
  const script = reloads ? 'reload-server.ts' : 'good-server.ts';
  return {
    ...config,
    command: [process.execPath, script],
    env: { ...config.env, ...(mutant === undefined ? {} : { MUTANT: mutant }) },
    // The node of workers offers HTTP/1 alone.
    ...(reloads ? { ports: { http: 'PORT' }, reload: { signal: 'SIGHUP' } } : {}),
  };
}
