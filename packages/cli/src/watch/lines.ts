import type { Look, Watcher } from './follow.ts';
import { seconds, showMoves } from './text.ts';

const EVERY_MS = 1_000;

const say = (text: string): void =>
  void process.stdout.write(`${new Date().toISOString()} ${text}\n`);

/** One line for each change of state, workers, work in flight or account. */
export function asLines(): Watcher {
  let last = '';
  return {
    everyMs: EVERY_MS,
    see(look) {
      const line = lineOf(look);
      if (line === last) return;
      last = line;
      // What runs down by itself makes no line of its own.
      say(`${line}${timesOf(look)}`);
    },
    gone(why) {
      last = '';
      say(`gone: ${why}`);
    },
  };
}

/** Each look as a line of JSON, with `at`; `{"at","gone"}` while nobody answers. */
export function asJson(): Watcher {
  const write = (fields: object): void =>
    void process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...fields })}\n`);
  return { everyMs: EVERY_MS, see: write, gone: (why) => write({ gone: why }) };
}

function lineOf(look: Look): string {
  const { workers, outcomes, inFlightByKind } = look;
  const retiring = workers.filter(({ phase }) => phase === 'retiring').length;
  const kinds = Object.entries(inFlightByKind).map(([kind, count]) => `${kind} ${count}`);
  return [
    look.state,
    `in flight ${look.inFlight}${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`,
    `workers ${workers.length - retiring}`,
    `retiring ${retiring}`,
    `generation ${look.generation}`,
    `lost ${outcomes.lost}`,
    `refused ${look.refused}`,
    `late ${look.lateArrivals}`,
    showMoves(look.moves),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function timesOf({ inFlight, estimate, deadlineInMs }: Look): string {
  const ends =
    inFlight > 0 && estimate.p90Ms !== null ? `, 90 % end within ${seconds(estimate.p90Ms)}` : '';
  return `${ends}${deadlineInMs === null ? '' : `, cut off in ${seconds(deadlineInMs)}`}`;
}
