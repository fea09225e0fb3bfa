import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../../packages/handover/test/support/postgres.ts';
import { Account } from './account.ts';
import { audit } from './audit.ts';
import { happen, type World } from './happen.ts';
import { Node } from './node.ts';
import { Oracle } from './oracle.ts';
import { Random } from './random.ts';
import { schedule } from './schedule.ts';
import { type Load, streamClient } from './streams.ts';
import { TaskClient } from './tasks.ts';
import { freePorts } from '../../scripts/ports.ts';

const settleMs = 60_000;
const goneMs = 30_000;
const [taskClients, streamClients, nodeCount] = [3, 5, 2];

export interface ChaosOptions {
  readonly seed: number;
  readonly events: number;
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Resolves with the exit code: 0, 1 for a broken promise, 2 when the run says nothing. */
export async function chaos({ seed, events, folder, say }: ChaosOptions): Promise<number> {
  const account = new Account();
  const oracle = new Oracle();
  await using postgres = await startPostgres(['max_connections=500']);
  const nodes = (await freePorts(nodeCount)).map(
    (port, n) => new Node(`node${n + 1}`, port, folder, postgres.url),
  );
  const world: World = { nodes, postgres, account };
  const interrupted = (): void => {
    for (const node of nodes) node.destroy();
    process.exit(130);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await Promise.all(nodes.map((node) => node.start()));
    const [enough, late] = [new AbortController(), new AbortController()];
    const load: Load = {
      nodes,
      account,
      oracle,
      random: new Random(seed + 1_000_003),
      enough: enough.signal,
      late: late.signal,
    };
    const clients = Array.from(
      { length: taskClients },
      (_, n) => new TaskClient(`client${n + 1}`, load),
    );
    const loads = Promise.all([
      ...clients.map((client) => client.run()),
      ...Array.from({ length: streamClients }, () => streamClient(load)),
    ]);
    loads.catch(() => undefined); // told below
    await sleep(1_000);
    await unleash(world, seed, events, say);
    for (const node of nodes) if (!node.up) await node.start();
    say('the last event is over; what is still owed is waited for');
    enough.abort();
    const timer = setTimeout(() => late.abort(), settleMs);
    await loads;
    clearTimeout(timer);
    await audit(clients, nodes[0]!.url, postgres, oracle, account);
    await stopAll(nodes, account);
  } catch (error) {
    for (const node of nodes) say(`--- ${node.name}\n${node.output.slice(-4_000)}`);
    throw error;
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    for (const node of nodes) node.destroy();
  }
  account.print(say);
  if (oracle.changed) {
    say('The documents that the model learns from were edited during this run: run it again.');
    return 2;
  }
  return account.violations.length === 0 ? 0 : 1;
}

/** Happenings of one node, and of the database, wait for each other; those of different ones do not. */
async function unleash(
  world: World,
  seed: number,
  events: number,
  say: (line: string) => void,
): Promise<void> {
  const queues = new Map<string, Promise<void>>();
  for (const [index, happening] of schedule(seed, events, world.nodes.length).entries()) {
    await sleep(happening.afterMs);
    const { deed, node } = happening;
    const place = deed === 'restart postgres' ? 'postgres' : world.nodes[node]!.name;
    const before = queues.get(place);
    await before;
    say(`${String(index + 1).padStart(4)}/${events} ${deed} (${place})`);
    const now = happen(world, happening);
    now.catch(() => undefined);
    queues.set(place, now);
  }
  await Promise.all(queues.values());
}

async function stopAll(nodes: readonly Node[], account: Account): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      const code = await node.end('SIGTERM');
      if (code !== 0)
        account.violation(
          `${node.name} ended with ${code} although nothing was owed; ${node.lastWords}`,
        );
      if (/\blost [1-9]/.test(node.output))
        account.violation(`${node.name} says that it lost work`);
    }),
  );
  const limit = performance.now() + goneMs;
  while (nodes.some(({ left }) => left.length > 0) && performance.now() < limit) await sleep(50);
  for (const { name, left } of nodes)
    if (left.length > 0)
      account.violation(`${name}: processes ${left.join(', ')} were left behind`);
}
