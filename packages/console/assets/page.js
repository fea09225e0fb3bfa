import { curve } from './curve.js';

const POINTS = 1_200;
const STOPS = 50;
const at = (id) => document.getElementById(id);
const escape = (text) =>
  String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

let points = [];
let stops = [];
let everyMs = 500;
let drawing = false;
let latest;

const seconds = (ms) =>
  ms === null || ms === undefined
    ? '?'
    : ms < 10_000
      ? `${(ms / 1_000).toFixed(1)} s`
      : ms < 600_000
        ? `${Math.round(ms / 1_000)} s`
        : `${Math.round(ms / 60_000)} min`;

/** Sets text only where it changed: the browser then has nothing to lay out again. */
function say(id, text) {
  const element = at(id);
  if (element.textContent !== text) element.textContent = text;
}

function draw() {
  drawing = false;
  const { state, inFlight, estimate, deadlineInMs, outcomes, workers } = latest;
  say('state', state);
  at('state').dataset.state = state;
  document.title = `${state} · ${inFlight} in flight · Lastcall`;
  say('doing', latest.doing ?? '');
  say('inFlight', String(inFlight));
  const busy = inFlight > 0;
  say('finish', busy ? seconds(estimate.p50Ms) : '0 s');
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
  at('curve').innerHTML = curve(points, everyMs);
  at('lanes').innerHTML = lanes(workers);
  at('work').innerHTML = latest.work.map(row).join('');
}

const list = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(' · ');

function going({ on_their_way: going, stayed }) {
  const stay = Object.values(stayed).reduce((sum, count) => sum + count, 0);
  return [
    ...(going > 0 ? [`${going} on their way`] : []),
    ...(stay > 0 ? [`${stay} stayed: ${list(stayed)}`] : []),
  ].join(' · ');
}

function lanes(workers) {
  const generations = [...new Set(workers.map(({ generation }) => generation))].sort(
    (a, b) => b - a,
  );
  return generations
    .map((generation) => {
      const cards = workers.filter((worker) => worker.generation === generation).map(card);
      return `<div class="lane"><h3>generation ${generation}</h3><div class="workers">${cards.join('')}</div></div>`;
    })
    .join('');
}

const card = ({ name, pid, phase, reason, age_seconds: age, in_flight: held, rss_bytes: rss }) =>
  `<div class="worker" data-phase="${escape(phase)}"><b>${escape(name)}</b> ${escape(phase)}${reason ? `: ${escape(reason)}` : ''}<small>${held ?? 0} in flight · pid ${pid ?? '-'} · ${Math.round(age)} s${rss ? ` · ${Math.round(rss / 2 ** 20)} MB` : ''}</small></div>`;

/** Work that will hardly have ended when work is cut off is marked. */
function row({ kind, label, worker, ageMs, p50Ms, p90Ms }) {
  const { deadlineInMs } = latest;
  const late = deadlineInMs !== null && p90Ms !== null && p90Ms > deadlineInMs;
  return `<tr${late ? ' class="late"' : ''}><td>${escape(label === null ? kind : `${kind} ${label}`)}</td><td>${escape(worker)}</td><td>${seconds(ageMs)}</td><td>${seconds(p50Ms)}</td><td>${seconds(p90Ms)}${late ? ', too late' : ''}</td></tr>`;
}

function drawStops() {
  if (stops.length === 0) return;
  at('stops').innerHTML = stops.toReversed().map(past).join('');
}

function past({ startedAt, worker, reason, result, exitCode, durationMs, phases, ...stop }) {
  const total = Math.max(1, durationMs);
  const bars = phases.map(
    ({ state, atMs, durationMs: ms }) =>
      `<rect class="${escape(state)}" x="${((atMs / total) * 1_000).toFixed(1)}" y="0" width="${Math.max(2, (ms / total) * 1_000).toFixed(1)}" height="20"><title>${escape(state)} ${seconds(ms)}</title></rect>`,
  );
  const words = phases.map(({ state, durationMs: ms }) => `${state} ${seconds(ms)}`).join(', ');
  const { estimate, refused, inFlightAtStart, outcomes, lateArrivals, failure } = stop;
  const expected =
    estimate.factMs === null || estimate.p90Ms === null
      ? ''
      : `, drained in ${seconds(estimate.factMs)} (90 % were expected within ${seconds(estimate.p90Ms)})`;
  return `<li><details><summary>${escape(new Date(startedAt).toLocaleString())} · ${escape(worker)} · ${escape(reason)} · ${result === 'stopped' ? `exit ${exitCode}` : escape(result)} · ${seconds(durationMs)}${outcomes.lost > 0 ? ` · <b class="bad">lost ${outcomes.lost}</b>` : ''}</summary>${escape(words)}<br>${inFlightAtStart} in flight at the start; ${escape(list(outcomes))}; refused ${refused}, late ${lateArrivals}${expected}${failure === null ? '' : `<br>${escape(failure)}`}</details><svg class="timeline" viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label="${escape(words)}">${bars.join('')}</svg></li>`;
}

/** Everything is drawn once a frame at most, and not at all while the page is hidden. */
function change() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw);
}

function watch() {
  const feed = new EventSource('/console/feed');
  feed.addEventListener('open', () => {
    at('link').hidden = true;
  });
  feed.addEventListener('error', () => {
    at('link').hidden = false;
    // A feed that was refused is not tried again by the browser itself.
    if (feed.readyState === EventSource.CLOSED) setTimeout(watch, 2_000);
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
    drawStops();
  });
  feed.addEventListener('tick', ({ data }) => {
    const { point, ...snapshot } = JSON.parse(data);
    latest = snapshot;
    if (point) points.push(point);
    if (points.length > POINTS) points.shift();
    change();
  });
  feed.addEventListener('stop', ({ data }) => {
    const stop = JSON.parse(data);
    const isNew = !stops.some(
      ({ pid, startedAt }) => pid === stop.pid && startedAt === stop.startedAt,
    );
    if (isNew) stops = [...stops, stop].slice(-STOPS);
    drawStops();
  });
}

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
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  if (dialog.returnValue !== 'yes') return;
  const token = at('token').value;
  const headers = { 'content-type': 'application/json', 'x-lastcall-console': '1' };
  if (token) headers.authorization = `Bearer ${token}`;
  const workers = action === 'scale' ? Number(at('workers').value) : undefined;
  say('said', `${action}: under way`);
  try {
    const body = JSON.stringify({ action, workers });
    const response = await fetch('/console/act', { method: 'POST', headers, body });
    say('said', (await response.json()).message);
  } catch {
    say('said', `${action}: the node did not answer.`);
  }
}

for (const button of document.querySelectorAll('button[data-action]'))
  button.addEventListener('click', () => void act(button.dataset.action));
at('token').addEventListener('input', () => {
  at('actions').hidden = at('token').value === '';
});
watch();
