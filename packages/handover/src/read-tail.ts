import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isPassing } from './errors.ts';
import { parseEvents } from './hub.ts';
import type { Claimed } from './job.ts';
import type { Event } from './tail.ts';

/** Events after the checkpoint, which a worker that died has left. */
export async function readTail(
  pool: pg.Pool,
  { num, checkpoint_seq: from, last_seq: to }: Claimed,
): Promise<Event[]> {
  if (from === to) return [];
  for (;;) {
    try {
      const { rows } = await pool.query<{ first: string; body: string }>(
        'select first, body from handover.chunks where work = $1 and last > $2 order by last',
        [num, from],
      );
      return rows
        .flatMap(({ first, body }) => parseEvents(Number(first), body))
        .filter(({ seq }) => seq > Number(from));
    } catch (error) {
      // The claim stands, so this has to be read before the run; a burial meanwhile fences it.
      if (!isPassing(error)) throw error;
      await sleep(100);
    }
  }
}
