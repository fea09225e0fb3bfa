import { curve } from './curve.js';
import { say as set } from './keep.js';
import { drawLanes } from './lanes.js';
import { drawStops, nameOf, when } from './stops.js';
import { list, seconds } from './text.js';
import { drawWork } from './work.js';

const POINTS = 1_200;
const STOPS = 50;
/** A feed that is silent for so long is cut, although nobody may ever say so: a laptop slept, a line fell. */
const SILENT_MS = 10_000;
/** Scripts take no more of a frame, so that with style and layout it stays short on a slow machine too. */
const ROOM_MS = 4;
const at = (id) => document.getElementById(id);
const say = (id, text) => set(at(id), text);

let points = [];
let stops = [];
let everyMs = 500;
let latest;
let heardMs = 0;
let heardAt;
let feed;

/** Work in flight, as text: programs that are no services of this library tell nothing of it. */
function inFlightOf({ workers, inFlight }) {
  const told = workers.length === 0 || workers.some(({ in_flight: held }) => held !== null);
  return told ? String(inFlight) : '?';
}

function drawFigures() {
  const { state, inFlight, estimate, deadlineInMs, outcomes } = latest;
  say('state', state);
  at('state').dataset.state = state;
  say('doing', latest.doing ?? '');
  const held = inFlightOf(latest);
  say('inFlight', held);
  const busy = inFlight > 0;
  say('finish', busy ? seconds(estimate.p50Ms) : held === '?' ? '?' : '0 s');
  say('finishNote', busy ? (estimate.reason ?? `90 % within ${seconds(estimate.p90Ms)}`) : '');
  say('deadline', deadlineInMs === null ? 'none' : seconds(deadlineInMs));
  say('refused', String(latest.refused));
  say('late', String(latest.lateArrivals));
  say('moved', String(latest.moves.moved));
  say('moves', going(latest.moves));
  say('lost', String(outcomes.lost));
  at('lostBox').className = outcomes.lost > 0 ? 'some' : '';
  say('kinds', list(latest.inFlightByKind) || 'nothing');
  say('outcomes', list(outcomes));
}

const PARTS = [
  drawFigures,
  () => (at('curve').innerHTML = curve(points, everyMs)),
  () => drawLanes(at('lanes'), latest),
  () => drawWork(at('work'), latest),
];
const pastStops = () => drawStops(at('stops'), stops);
const due = new Set();

function going({ on_their_way: going, stayed }) {
  const stay = Object.values(stayed).reduce((sum, count) => sum + count, 0);
  return [
    ...(going > 0 ? [`${going} on their way`] : []),
    ...(stay > 0 ? [`${stay} stayed: ${list(stayed)}`] : []),
  ].join(' · ');
}

/** Everything is drawn in the next frame that is shown; what has no room in it waits for the one after. */
function change(...parts) {
  if (due.size === 0) requestAnimationFrame(draw);
  for (const part of parts) due.add(part);
}

function draw() {
  const untilMs = performance.now() + ROOM_MS;
  try {
    for (const part of due) {
      due.delete(part);
      part();
      if (performance.now() > untilMs) break;
    }
  } finally {
    // Also behind a part that cannot be drawn: what is seen must not stand still.
    if (due.size > 0) requestAnimationFrame(draw);
  }
}

/** Says that what is seen is old: a node that does not answer is not ready. */
function lose() {
  if (!at('link').hidden) return;
  at('link').hidden = false;
  say('since', latest ? ` What you see is of ${when.format(heardAt)}.` : '');
  document.body.classList.add('stale');
  document.title = 'no answer · Lastcall';
}

function hear() {
  heardMs = performance.now();
  heardAt = new Date();
  at('link').hidden = true;
  document.body.classList.remove('stale');
}

function add(point) {
  // Where the clock was put back between two supervisors, what lies ahead is older all the same.
  while (points.at(-1)?.atMs >= point.atMs) points.pop();
  points.push(point);
  if (points.length > POINTS) points.shift();
}

function watch() {
  feed?.close();
  feed = new EventSource('/console/feed');
  heardMs = performance.now();
  feed.addEventListener('error', ({ target }) => {
    lose();
    // A feed that was refused is not tried again by the browser itself.
    if (target === feed && feed.readyState === EventSource.CLOSED) setTimeout(watch, 2_000);
  });
  feed.addEventListener('hello', ({ data }) => {
    const hello = JSON.parse(data);
    // Another supervisor has taken over where it is not resumed: what was seen before it still stands.
    const fromMs = hello.resumed ? Infinity : (hello.points[0]?.atMs ?? Infinity);
    const before = points.filter(({ atMs }) => atMs < fromMs);
    points = [...before, ...hello.points].slice(-POINTS);
    ({ stops, everyMs } = hello);
    at('actions').hidden = !hello.operator && at('token').value === '';
    at('viewer').hidden = hello.operator;
    change(pastStops);
  });
  feed.addEventListener('tick', ({ data }) => {
    hear();
    const { point, ...snapshot } = JSON.parse(data);
    latest = snapshot;
    // Not with what is drawn: a tab in the background has no frames, but its title is read.
    document.title = `${latest.state} · ${inFlightOf(latest)} in flight · Lastcall`;
    if (point) add(point);
    change(...PARTS);
  });
  feed.addEventListener('stop', ({ data }) => {
    const stop = JSON.parse(data);
    if (!stops.some((one) => nameOf(one) === nameOf(stop))) stops = [...stops, stop].slice(-STOPS);
    change(pastStops);
  });
}

setInterval(() => {
  if (feed.readyState === EventSource.CLOSED || performance.now() - heardMs < SILENT_MS) return;
  lose();
  watch();
}, 1_000);

const QUESTIONS = {
  drain: 'Drain this node? New work is refused until you resume it; work in flight goes on.',
  resume: 'Resume this node? It takes new work again.',
  reload: 'Replace all workers by new ones?',
  scale: 'How many workers?',
};

async function act(action) {
  const dialog = at('ask');
  say('question', QUESTIONS[action]);
  at('count').hidden = action !== 'scale';
  at('workers').value = latest?.workersWanted ?? 1;
  dialog.returnValue = 'no';
  dialog.showModal();
  // What is typed takes the place of the number, and is not put behind it.
  at('workers').select();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  if (dialog.returnValue !== 'yes') return;
  const token = at('token').value;
  const headers = { 'content-type': 'application/json', 'x-lastcall-console': '1' };
  if (token) headers.authorization = `Bearer ${token}`;
  const workers = action === 'scale' ? Number(at('workers').value) : undefined;
  say('said', `${action}: under way`);
  try {
    const body = JSON.stringify({ action, workers });
    // A browser has six connections to a node, and each page of it holds one: the action goes first.
    feed.close();
    const asked = fetch('/console/act', { method: 'POST', headers, body });
    watch();
    say('said', (await (await asked).json()).message);
  } catch {
    say('said', `${action}: the node did not answer.`);
  }
}

for (const button of document.querySelectorAll('button[data-action]'))
  button.addEventListener('click', () => void act(button.dataset.action));
// No submit button: Enter in the field means yes, and a field left empty keeps nobody from saying no.
at('no').addEventListener('click', () => at('ask').close('no'));
at('token').addEventListener('input', () => {
  at('actions').hidden = at('token').value === '';
});
watch();
