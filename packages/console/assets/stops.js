import { keep, make } from './keep.js';
import { list, seconds } from './text.js';

/** A stop of an idle worker takes milliseconds. */
const took = (ms) => (ms < 1_000 ? `${ms} ms` : seconds(ms));

/** For days and times. One for all: to make one costs more than to draw a stop. */
export const when = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
});

/** Past stops, the newest first, each with its timeline; one that is open stays open. */
export function drawStops(parent, stops) {
  if (stops.length > 0) keep(parent, stops.toReversed(), nameOf, past);
}

/** What tells one stop from another. */
export const nameOf = ({ pid, startedAt }) => `${pid} ${startedAt}`;

function past({ startedAt, worker, reason, result, exitCode, durationMs, phases, ...stop }) {
  const { estimate, refused, inFlightAtStart, outcomes, lateArrivals, failure } = stop;
  const end = result === 'stopped' ? `exit ${exitCode}` : result;
  const time = when.format(new Date(startedAt));
  const summary = make('summary', '', [time, worker, reason, end, took(durationMs)].join(' · '));
  if (outcomes.lost > 0) summary.append(' · ', make('b', 'bad', `lost ${outcomes.lost}`));
  const words = phases.map(({ state, durationMs: ms }) => `${state} ${took(ms)}`).join(', ');
  const expected =
    estimate.factMs === null || estimate.p90Ms === null
      ? ''
      : `, drained in ${took(estimate.factMs)} (90 % were expected within ${seconds(estimate.p90Ms)})`;
  const account = `${inFlightAtStart} in flight at the start; ${list(outcomes)}; refused ${refused}, late ${lateArrivals}${expected}`;
  const lines = [words, account, failure].filter(Boolean).map((line) => make('div', '', line));
  const item = make('li', '', make('details', '', summary, ...lines));
  if (phases.length > 0) item.append(timeline(phases, words));
  return item;
}

function timeline(phases, words) {
  const bars = phases.map(({ state, durationMs }) => {
    const bar = make('span', state);
    bar.style.flexGrow = String(durationMs);
    bar.title = `${state} ${took(durationMs)}`;
    return bar;
  });
  const line = make('div', 'timeline', ...bars);
  line.role = 'img';
  line.ariaLabel = words;
  return line;
}
