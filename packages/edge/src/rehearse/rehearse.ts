import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EdgeError } from '../errors.ts';
import { until } from '../proxy/wait.ts';
import { Balancer } from './balancer.ts';
import { blameFailure, blamePod, type Cause } from './blame.ts';
import { type Failure, startLoad } from './load.ts';
import type { PodPlan } from './plan.ts';
import { Pod } from './pod.ts';

export interface RehearsalOptions {
  /** Paths that clients ask for. Default `/`. */
  paths?: readonly string[];
  /** Clients for each path. Default 6. */
  clients?: number;
  /** How long proxies go on sending to a pod that is deleted: at the least, and at random so much more. Default 500 and 500. */
  removalMs?: number;
  jitterMs?: number;
  /** How long a pod may take until it is ready. Default 60000. */
  bootMs?: number;
  /** How long what clients still wait for may take at the end. Default 10000. */
  finishMs?: number;
  /** Ends the rehearsal and every process of it; `rehearse` then throws its reason. */
  signal?: AbortSignal;
  progress?: (line: string) => void;
}

export interface Rehearsal {
  sent: number;
  failures: (Failure & { cause: Cause })[];
  /** Everything that is at fault, the most frequent first. */
  causes: { cause: Cause; dropped: number }[];
  timeline: { atMs: number; pod: string; what: string }[];
}

/** One machine stands for a cluster: of many replicas so many are enough to see what a rollout does. */
const MOST_PODS = 10;

/**
 * Runs one Deployment on this machine, with real processes, through one rolling update under load,
 * and says what was dropped and by whose fault.
 */
export async function rehearse(plan: PodPlan, options: RehearsalOptions = {}): Promise<Rehearsal> {
  const { paths = ['/'], clients = 6, bootMs = 60_000, finishMs = 10_000 } = options;
  const { progress, signal = new AbortController().signal } = options;
  const zeroMs = performance.now();
  const timeline: Rehearsal['timeline'] = [];
  const note = (pod: string, what: string): void => {
    const atMs = Math.round(performance.now() - zeroMs);
    timeline.push({ atMs, pod, what });
    progress?.(`${(atMs / 1_000).toFixed(2).padStart(7)} s  ${pod}  ${what}`);
  };
  const replicas = Math.min(plan.replicas, MOST_PODS);
  if (replicas < plan.replicas) note('rollout', `${replicas} of ${plan.replicas} replicas`);
  const balancer = new Balancer();
  const pods: Pod[] = [];
  const port = await balancer.listen();
  const begin = async (name: string): Promise<Pod> => {
    const pod = new Pod(name, await freePort(), plan, note);
    pods.push(pod);
    pod.start();
    balancer.add(pod);
    return pod;
  };
  const isUp = (pod: Pod): Promise<boolean> =>
    until(() => pod.ready || signal.aborted || pod.startFault !== undefined, bootMs).then(
      () => pod.ready,
    );
  const remove = async (pod: Pod): Promise<void> => {
    const delayMs = (options.removalMs ?? 500) + Math.random() * (options.jitterMs ?? 500);
    const removed = sleep(delayMs).then(() => {
      balancer.remove(pod);
      note(pod.name, 'endpoint removed');
    });
    await pod.delete();
    await removed;
  };
  const end = (): void => void Promise.all(pods.map((pod) => pod.destroy()));
  signal.addEventListener('abort', end);

  try {
    const old = await Promise.all(
      Array.from({ length: replicas }, (_, i) => begin(`old-${i + 1}`)),
    );
    const up = await Promise.all(old.map(isUp));
    const fault = old.find(({ startFault }) => startFault)?.startFault;
    if (fault)
      throw new EdgeError(
        'ERR_EDGE_CONFIG',
        `The command ${plan.command.join(' ')} cannot be started here: ${fault.message}. Give another one after "--".`,
        {},
        { cause: fault },
      );
    const load = startLoad(port, balancer, paths, clients);
    try {
      await sleep(500);
      if (up.every(Boolean)) await update(old);
      else note('rollout', 'the pods never became ready');
      await sleep(500);
    } finally {
      await load.stop(signal.aborted ? 0 : finishMs);
    }
    signal.throwIfAborted();
    const failures = load.failures.map((failure) =>
      Object.assign(failure, { cause: blameFailure(failure, plan, pods) }),
    );
    return {
      sent: load.sent,
      failures,
      causes: count(
        failures,
        pods.flatMap((pod) => blamePod(pod, plan)),
      ),
      timeline,
    };
  } finally {
    signal.removeEventListener('abort', end);
    await Promise.all(pods.map((pod) => pod.destroy()));
    balancer.close();
  }

  /** Surge by one; or all at once where the strategy is Recreate. */
  async function update(old: readonly Pod[]): Promise<void> {
    if (plan.recreate) {
      await Promise.all(old.map(remove));
      if (signal.aborted) return;
      const renewed = await Promise.all(old.map((_, i) => begin(`new-${i + 1}`)));
      await Promise.all(renewed.map(isUp));
      return;
    }
    for (const [i, pod] of old.entries()) {
      if (signal.aborted) return;
      const successor = await begin(`new-${i + 1}`);
      if (!(await isUp(successor))) {
        note('rollout', `${successor.name} never became ready: the rollout stops`);
        return;
      }
      await remove(pod);
    }
  }
}

function count(failures: readonly { cause: Cause }[], seen: readonly Cause[]): Rehearsal['causes'] {
  const dropped = new Map<Cause, number>(seen.map((cause) => [cause, 0]));
  for (const { cause } of failures) dropped.set(cause, (dropped.get(cause) ?? 0) + 1);
  return [...dropped]
    .map(([cause, number]) => ({ cause, dropped: number }))
    .sort((a, b) => b.dropped - a.dropped);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null)
    throw new EdgeError('ERR_EDGE_NODE', 'There is no free port on 127.0.0.1.');
  return address.port;
}
