import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPostgres } from '../../packages/handover/test/support/postgres.ts';
import type { Account } from './account.ts';
import type { Oracle } from './oracle.ts';
import type { TaskClient } from './tasks.ts';

const ASKED_MAX = 30;

interface Shown {
  readonly status: string;
  readonly output_text: string | null;
}

/** Compares what the clients were promised with what there is in the end. */
export async function audit(
  clients: readonly TaskClient[],
  url: string,
  postgres: TestPostgres,
  oracle: Oracle,
  account: Account,
): Promise<void> {
  const effects = new Map(
    (
      await postgres.query<{ task: string; n: number }>(
        'select task, count(*)::integer as n from inference.usage group by task',
      )
    ).map(({ task, n }) => [task, n]),
  );
  for (const [task, n] of effects)
    if (n > 1) account.violation(`task ${task}: its effect happened ${n} times`);
  account.count('effects', effects.size);
  for (const { promised } of clients)
    for (const [id, { ask, revoked, results }] of promised) {
      if (results === 0) account.violation(`task ${id}: its result was never delivered`);
      const response = await readTask(url, id);
      if (!response.ok) {
        account.violation(`task ${id} is lost: ${response.status} ${await response.text()}`);
        continue;
      }
      const { status, output_text } = (await response.json()) as Shown;
      const expected = revoked === 'yes' ? 'revoked' : 'done';
      if (revoked === 'perhaps' && status === 'revoked') continue;
      if (status !== expected) account.violation(`task ${id} is ${status}, not ${expected}`);
      else if (status === 'done' && output_text !== (await oracle.text(ask)))
        account.violation(`task ${id}: its text is not that of the uninterrupted run`);
      if (status === 'done' && !effects.has(id))
        account.violation(`task ${id}: its effect never happened`);
    }
}

/** Asks as long as the service says that it can't tell now (503), which loses nothing; half a minute at the most. */
async function readTask(url: string, id: string): Promise<Response> {
  for (let asked = 1; ; asked += 1) {
    const response = await fetch(`${url}/v1/tasks/${id}`);
    if (response.status !== 503 || asked === ASKED_MAX) return response;
    await response.body?.cancel();
    await sleep(1_000);
  }
}
