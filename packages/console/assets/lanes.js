import { keep, make, say } from './keep.js';
import { isAway, seconds } from './text.js';

/** Workers in one lane for each generation, the newest first. */
export function drawLanes(parent, { workers, state }) {
  const lanes = new Map();
  for (const worker of workers.toSorted((a, b) => b.generation - a.generation))
    lanes.set(worker.generation, [...(lanes.get(worker.generation) ?? []), worker]);
  keep(
    parent,
    [...lanes],
    ([generation]) => generation,
    lane,
    (element, [, own]) =>
      keep(
        element.lastElementChild,
        own,
        ({ name, pid }) => `${name} ${pid}`,
        card,
        (one, worker) => fill(one, worker, state),
      ),
  );
}

const lane = ([generation]) =>
  make('div', 'lane', make('h3', '', `generation ${generation}`), make('div', 'workers'));

const card = ({ name }) =>
  make('div', 'worker', make('b', '', name), ' ', make('span'), make('small'));

function fill(element, worker, state) {
  const { pid, reason, age_seconds: age, in_flight: held, rss_bytes: rss } = worker;
  // A worker whose node drains is not replaced, yet it takes no new work.
  const phase = worker.phase === 'serving' && isAway(state) ? state : worker.phase;
  if (element.dataset.phase !== phase) element.dataset.phase = phase;
  const memory = rss ? ` · ${Math.round(rss / 2 ** 20)} MB` : '';
  say(element.children[1], reason ? `${phase}: ${reason}` : phase);
  // A program that is no service of this library tells nothing of its work.
  const work = held === null ? '' : `${held} in flight · `;
  say(element.children[2], `${work}pid ${pid ?? '-'} · ${seconds(age * 1_000)}${memory}`);
}
