// npm run e2e:k8s: the files of deploy/k8s in a real cluster, one rolling update under load, and its account.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kubectl } from './kubectl.ts';
import { loadPod, manifests, type Setting } from './manifests.ts';

const HELP = `npm run e2e:k8s rolls the Deployment of deploy/k8s in a real cluster under load, and prints what was dropped.

It needs KUBECONFIG, kubectl, and the image of deploy/Dockerfile where the cluster finds it:

  $ docker build -f deploy/Dockerfile -t registry.example/inference:0.1.0 .
  $ docker push registry.example/inference:0.1.0
  $ KUBECONFIG=~/.kube/config IMAGE=registry.example/inference:0.1.0 npm run e2e:k8s

  IMAGE            default inference:0.1.0
  DATABASE_URL     a PostgreSQL that the pods reach: adds tasks to the load. Else each pod has its own
  OPERATOR_CIDRS   where kubelets call from; default: the addresses of the nodes and of their pod networks
  KEEP=1           leave the namespace for a look

Everything is made in a namespace of its own and removed at the end.
Exit code: 0 nothing was dropped, 1 something was, 2 no cluster was given.
`;

interface NodeList {
  items: {
    spec: { podCIDR?: string };
    status: { addresses: { type: string; address: string }[] };
  }[];
}
interface PodList {
  items: { metadata: { name: string; deletionTimestamp?: string } }[];
}
interface EventList {
  items: { lastTimestamp: string | null; reason: string; message: string; type: string }[];
}
interface Account {
  sent: Record<string, number>;
  failed: { kind: string; at: string; fault: string }[];
  tasks: number;
  lost: string[];
}

const say = (line: string): void =>
  console.log(`${new Date().toISOString().slice(11, 23)}  ${line}`);

if (!process.env.KUBECONFIG) {
  process.stderr.write(`KUBECONFIG is not set: there is no cluster to try.\n\n${HELP}`);
  process.exit(2);
}

const kubectl = new Kubectl(`lastcall-e2e-${randomBytes(3).toString('hex')}`);

async function findSetting(): Promise<Setting> {
  const nodes = await kubectl.get<NodeList>('nodes');
  const addresses = nodes.items.flatMap(({ status }) => status.addresses);
  const internal = addresses.filter(({ type }) => type === 'InternalIP').map((one) => one.address);
  const networks = nodes.items.flatMap(({ spec }) => spec.podCIDR ?? []);
  return {
    image: process.env.IMAGE ?? 'inference:0.1.0',
    databaseUrl: process.env.DATABASE_URL || undefined,
    operatorCidrs: process.env.OPERATOR_CIDRS ?? [...internal, ...networks].join(','),
    apiVersions: new Set((await kubectl.run(['api-versions'])).trim().split('\n')),
  };
}

const pods = async (): Promise<string[]> =>
  (await kubectl.get<PodList>('pods', '-l', 'app=inference')).items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name);

/** Asks until a pod is in one of the phases. */
async function phase(pod: string, wanted: readonly string[], withinMs: number): Promise<string> {
  const end = performance.now() + withinMs;
  for (;;) {
    const { status } = await kubectl.get<{ status: { phase: string } }>('pod', pod);
    if (wanted.includes(status.phase)) return status.phase;
    if (performance.now() > end)
      throw new Error(`Pod ${pod} is ${status.phase} after ${withinMs / 1_000} s.`);
    await sleep(500);
  }
}

async function roll(): Promise<{ account: Account; exits: string[] }> {
  const setting = await findSetting();
  const { apply, unknown } = manifests(setting);
  await kubectl.run(['create', 'namespace', kubectl.namespace]);
  say(`namespace ${kubectl.namespace}, image ${setting.image}`);
  if (unknown.length > 0) say(`not known to this cluster, left out: ${unknown.join(', ')}`);
  await kubectl.apply(apply);
  const settled = (seconds: number): Promise<string> =>
    kubectl.run(['rollout', 'status', 'deployment/inference', `--timeout=${seconds}s`]);
  await settled(180);
  const old = await pods();
  say(`ready: ${old.join(', ')}`);
  const service = await kubectl.get<{ spec: { clusterIP: string } }>('service', 'inference');
  await kubectl.apply(loadPod(setting, `http://${service.spec.clusterIP}`));
  await phase('load', ['Running'], 60_000);
  const logs = old.map((pod) => kubectl.follow(pod));
  await sleep(5_000);

  say('load runs; rolling update');
  await kubectl.run(['rollout', 'restart', 'deployment/inference']);
  await settled(900);
  const texts = await Promise.all(logs.map(({ text }) => text));
  const exits = texts.map((text, i) => {
    const line = text.split('\n').findLast((one) => one.includes('stopped after'));
    return `${old[i]}: ${line ?? 'no exit line: it was killed, or its log was cut off'}`;
  });
  say(`new pods: ${(await pods()).join(', ')}`);
  await sleep(3_000);
  await kubectl.run(['exec', 'load', '--', 'touch', '/tmp/stop']);
  const ended = await phase('load', ['Succeeded', 'Failed'], 180_000);
  const log = await kubectl.run(['logs', 'load']);
  if (ended === 'Failed') throw new Error(`The load failed: ${log}`);
  return { account: JSON.parse(log.trim().split('\n').at(-1) ?? '') as Account, exits };
}

async function tellEvents(): Promise<void> {
  const { items } = await kubectl.get<EventList>('events');
  const telling = /FailedPreStopHook|Unhealthy|BackOff|Failed|FailedScheduling|Evicted/;
  for (const { lastTimestamp, reason, message } of items)
    if (telling.test(reason)) say(`  event ${lastTimestamp ?? ''} ${reason}: ${message}`);
}

/** Prints the account; whether nothing was dropped. */
function told({ account, exits }: { account: Account; exits: string[] }): boolean {
  for (const line of exits) say(`  ${line}`);
  if (exits.some((line) => line.includes('(SIGTERM)')))
    say('  a stop began with SIGTERM: its preStop hook failed or was refused (see LC104, LC117)');
  const { sent, failed, tasks, lost } = account;
  for (const { at, kind, fault } of failed.slice(0, 20)) say(`  ${at} ${kind}: ${fault}`);
  const counts = Object.entries(sent).map(([kind, count]) => `${count} ${kind}s`);
  say(
    `sent ${counts.join(', ')}: ${failed.length} failed; ${tasks} tasks accepted, ${lost.length} lost`,
  );
  const clean = exits.every((line) => /lost 0, .*exit 0/.test(line));
  return clean && failed.length === 0 && lost.length === 0;
}

async function cleanUp(): Promise<void> {
  if (process.env.KEEP === '1') return say(`namespace ${kubectl.namespace} is left`);
  // Pods first: the removal of a namespace looks at them again only after half their termination period.
  const all = ['--all', '--ignore-not-found', '--timeout=320s'];
  await kubectl
    .run(['delete', 'deployment', ...all, '--cascade=foreground'])
    .then(() => kubectl.run(['delete', 'pod', ...all]))
    .catch(() => undefined); // told below
  await kubectl
    .run(['delete', 'namespace', kubectl.namespace, '--ignore-not-found', '--timeout=120s'])
    .then(
      () => say('namespace removed'),
      (error: Error) => say(`remove namespace ${kubectl.namespace} by hand: ${error.message}`),
    );
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
try {
  const result = await roll();
  const dropped = !told(result);
  if (dropped) await tellEvents();
  process.exitCode = dropped ? 1 : 0;
} catch (error) {
  say((error as Error).message);
  await tellEvents().catch(() => undefined); // there may be no namespace
  process.exitCode = 1;
} finally {
  await cleanUp();
}
