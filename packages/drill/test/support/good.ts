// The good server's drill.yaml, run on the Node that runs the tests.
import { loadConfig } from '../../src/config/load.ts';
import type { DrillConfig } from '../../src/config/schema.ts';

const file = new URL('../fixtures/drill.yaml', import.meta.url).pathname;

/**
 * The configuration of the good server, or of one with exactly one thing broken. All its times are
 * multiplied by `scale`, for a machine that is too busy for the short ones.
 */
export function goodConfig(
  slug: string,
  { mutant, scale, overTls }: { mutant: string | undefined; scale: number; overTls: boolean },
): DrillConfig {
  const config = loadConfig(file);
  const [grace, force] = [config.grace * scale, config.force * scale];
  const times = { GRACE_MS: String(grace), FORCE_MS: String(force) };
  const reloads = slug.startsWith('reload/');
  const script = reloads ? 'reload-server.ts' : 'good-server.ts';
  return {
    ...config,
    command: [process.execPath, script],
    grace,
    force,
    work: 600 * scale,
    exitWithin: config.exitWithin * scale,
    env: { ...config.env, ...times, ...(mutant === undefined ? {} : { MUTANT: mutant }) },
    ...(overTls ? { ports: { http: 'PORT', h2s: 'H2S_PORT' } } : {}),
    // The node of workers offers HTTP/1 alone.
    ...(reloads ? { ports: { http: 'PORT' }, reload: { signal: 'SIGHUP' } } : {}),
  };
}
