import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, startCluster } from './cluster.ts';
import { lastcall } from './command.ts';
import { healthOf } from './health.ts';
import { NGINX } from './place.ts';

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
  const pid = cluster.proxyPid;
  return {
    cluster,
    healthy,
    workers: () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'),
  };
}
