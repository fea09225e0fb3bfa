import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isPassing } from './errors.ts';
import { parseEvents } from './hub.ts';
import type { Claimed } from './job.ts';
import type { Event } from './tail.ts';

/** $1 works, $2 the last event that is not wanted of each. */
const tailStatement = `
select work, first, body from unnest($1::bigint[], $2::bigint[]) as t (num, after)
join handover.chunks c on c.work = t.num and c.last > t.after order by work, last`;

/** Events after the checkpoints, which workers that died have left: of all these works at once. */
export async function readTails(
  pool: pg.Pool,
  works: readonly Claimed[],
): Promise<Map<string, Event[]>> {
  const after = new Map(
    works
      .filter(({ checkpoint_seq: from, last_seq: to }) => from !== to)
      .map(({ num, checkpoint_seq: from }) => [num, Number(from)]),
  );
  const tails = new Map<string, Event[]>([...after.keys()].map((num) => [num, []]));
  if (after.size === 0) return tails;
  for (;;) {
    try {
      const { rows } = await pool.query<{ work: string; first: string; body: string }>(
        tailStatement,
        [[...after.keys()], [...after.values()]],
      );
      for (const { work, first, body } of rows)
        tails
          .get(work)
          ?.push(
            ...parseEvents(Number(first), body).filter(({ seq }) => seq > (after.get(work) ?? 0)),
          );
      return tails;
    } catch (error) {
      // The claim stands, so this has to be read before the run; a burial meanwhile fences it.
      if (!isPassing(error)) throw error;
      await sleep(100);
    }
  }
}
