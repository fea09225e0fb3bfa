import { suite, test, type TestContext } from 'node:test';
import { type ServerProcess, startServer } from '../support/process.ts';
import { type Behaviour, type BehaviourName, BEHAVIOURS } from './behaviours.ts';
import type { Driver } from './peer.ts';

const REPEAT = Number(process.env.REPEAT ?? 1);
/** Behaviours wait more than they work, so a few can share the machine. */
const SIDE_BY_SIDE = 3;
/** Before the deadline of 120 s that some of them set: what waits for that one has failed. */
const LIMIT_MS = 110_000;

/** An adapter under test. */
export interface Subject {
  /** Its file in test/adapters/fixtures/. */
  fixture: string;
  driver: Driver;
  env?: Record<string, string>;
}

/** Runs every behaviour against an adapter. `gaps`: what it does not do, with the reason. */
export function behaves(
  name: string,
  subject: Subject,
  gaps: Partial<Record<BehaviourName, string>> = {},
): void {
  suite(name, { concurrency: SIDE_BY_SIDE }, () => {
    for (let round = 1; round <= REPEAT; round += 1)
      for (const [title, behaviour] of Object.entries(BEHAVIOURS) as [BehaviourName, Behaviour][])
        test(`${name}: ${title}${REPEAT > 1 ? ` (${round})` : ''}`, { timeout: LIMIT_MS }, (t) =>
          runOne(t, subject, behaviour, gaps[title]),
        );
  });
}

async function runOne(
  t: TestContext,
  subject: Subject,
  behaviour: Behaviour,
  gap: string | undefined,
): Promise<void> {
  const servers: ServerProcess[] = [];
  const { driver, fixture } = subject;
  const start = async (env: Record<string, string> = {}): Promise<ServerProcess> => {
    const server = await startServer(`../adapters/fixtures/${fixture}`, {
      env: { ...driver.env, ...subject.env, ...env },
    });
    servers.push(server);
    return server;
  };
  let failed: unknown;
  try {
    await behaviour({ start, open: (server) => driver.open(server.port), driver });
  } catch (error) {
    failed = error;
  }
  for (const server of servers) await server[Symbol.asyncDispose]();
  if (gap !== undefined) t.diagnostic(`declared gap: ${gap}`);
  else if (failed !== undefined)
    for (const server of servers) t.diagnostic(`the server printed: ${server.output()}`);
  judge(failed, gap);
}

/** Throws for a failure that is no declared gap, and for a declared gap that is none. */
export function judge(failed: unknown, gap: string | undefined): void {
  if (gap === undefined && failed !== undefined) throw failed;
  if (gap !== undefined && failed === undefined)
    throw new Error(`The declared gap has closed: it holds now. Remove it. (${gap})`);
}
