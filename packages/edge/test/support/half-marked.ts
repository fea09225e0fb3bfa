import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { childrenOf } from '../../src/proxy/processes.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { lastcall } from './command.ts';
import { healthOf } from './health.ts';
import { NGINX } from './place.ts';

/** The workers of nginx, but for those that finish what they hold: these go when they have done it. */
export const workersOf = ({ proxyPid }: Cluster): string =>
  childrenOf(proxyPid)
    .filter(({ title }) => !title.includes('shutting down'))
    .map(({ pid }) => pid)
    .join(' ');

/**
 * A cluster behind nginx whose watch was killed when it had the configuration tested: the mark of its
 * first node is written and not loaded. `healthy` is what the nodes say, `workers` which workers of nginx run.
 */
export async function halfMarked(
  t: Parameters<typeof startCluster>[0],
): Promise<{ cluster: Cluster; healthy: boolean[]; workers: () => string }> {
  const cluster = await startCluster(t, 'nginx');
  const healthy = await healthOf(t, cluster);
  healthy[0] = false;
  const deadly = join(cluster.dir, 'deadly-nginx');
  writeFileSync(deadly, '#!/bin/sh\nkill -9 $PPID\n', { mode: 0o755 });
  const withCommand = (command: string): void =>
    cluster.rewrite((inventory) => {
      (inventory.nginx as Record<string, unknown>).command = command;
    });
  withCommand(deadly);
  await lastcall(['node', 'watch', '--nodes', cluster.inventory]);
  withCommand(NGINX);
  return { cluster, healthy, workers: () => workersOf(cluster) };
}
