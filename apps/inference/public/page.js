import { readEvents } from './sse.js';

const refreshMs = 1000;
const byId = (id) => document.getElementById(id);

/** Posts JSON. Throws with the server's own message when it refuses. */
async function post(path, body, signal) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Error(told.error?.message ?? told.detail ?? `the server answered ${response.status}`);
}

// The stream.

let streaming;

async function watch(input, atLeast, signal) {
  const output = byId('stream-output');
  const status = byId('stream-status');
  output.textContent = '';
  status.textContent = 'Asking …';
  const began = performance.now();
  const body = { input, min_output_tokens: atLeast, stream: true };
  const response = await post('/v1/responses', body, signal);
  let tokens = 0;
  for await (const event of readEvents(response.body)) {
    if (event.type === 'response.output_text.delta') {
      tokens += 1;
      output.append(event.delta);
      output.scrollTop = output.scrollHeight;
      if (tokens === 1) status.textContent = 'Streaming …';
    } else if (event.response?.status && event.response.status !== 'in_progress') {
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const reason = event.response.error?.message ?? '';
      status.textContent = `${event.response.status}: ${tokens} tokens in ${seconds} s. ${reason}`;
      return;
    }
  }
  status.textContent = `The stream broke off after ${tokens} tokens.`;
}

byId('stream-form').addEventListener('submit', (event) => {
  event.preventDefault();
  void startStream();
});

async function startStream() {
  streaming?.abort();
  const own = (streaming = new AbortController());
  byId('stream-stop').disabled = false;
  try {
    await watch(byId('stream-input').value, byId('stream-tokens').valueAsNumber, own.signal);
  } catch (error) {
    byId('stream-status').textContent = own.signal.aborted ? 'Stopped.' : error.message;
  }
  if (streaming === own) byId('stream-stop').disabled = true;
}

byId('stream-stop').addEventListener('click', () => {
  streaming?.abort();
  byId('stream-start').focus();
});

// The tasks.

byId('task-form').addEventListener('submit', (event) => {
  event.preventDefault();
  void changeTasks(async () => {
    const atLeast = byId('task-tokens').valueAsNumber;
    const body = { input: byId('task-input').value, min_output_tokens: atLeast, client };
    const { id } = await (await post('/v1/tasks', body)).json();
    return `Queued as ${id.slice(0, 8)}.`;
  });
});

async function revoke(id) {
  const response = await fetch(`/v1/tasks/${id}`, { method: 'DELETE' });
  const { error } = await response.json();
  return error?.message ?? `Revoked ${id.slice(0, 8)}.`;
}

/** Does it, says what came of it, and shows the tasks as they are then. */
async function changeTasks(change) {
  const status = byId('task-status');
  try {
    status.textContent = await change();
    await showTasks();
  } catch (error) {
    status.textContent = error.message;
  }
}

// What the tasks of this page do is told by a socket, whichever worker runs them.

const client = (sessionStorage.client ??= crypto.randomUUID?.() ?? String(Math.random()).slice(2));
/** Text of running tasks that the socket has told, by task. */
const growing = new Map();

function openSocket() {
  const address = `${location.origin.replace('http', 'ws')}/v1/tasks/socket?client=${client}`;
  const socket = new WebSocket(address);
  socket.addEventListener('message', ({ data }) => heard(JSON.parse(data), socket));
  // Also after a drain (1012): another worker, or the next service, takes it up.
  socket.addEventListener('close', () => setTimeout(openSocket, refreshMs));
}

function heard(message, socket) {
  const { type, id, task } = message;
  if (type === 'progress') {
    growing.set(id, (growing.get(id) ?? '') + message.delta);
    const text = byId(`task-${id}`)?.children[1];
    if (text) text.textContent = `… ${growing.get(id)}`;
  } else if (type === 'result') {
    growing.delete(task.id);
    socket.send(JSON.stringify({ type: 'ack', id: task.id }));
    byId('task-status').textContent = `${task.id.slice(0, 8)} is ${task.status}.`;
  }
  // What cannot be asked now is asked by the next turn of `refresh`.
  if (type !== 'progress') showTasks().catch(() => undefined);
}

/** One line of the list, made once and then kept up to date, so that focus stays where it is. */
function taskLine(id) {
  const line = document.createElement('li');
  line.id = `task-${id}`;
  const head = document.createElement('p');
  head.className = 'head';
  const status = document.createElement('span');
  status.className = 'status';
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Revoke';
  button.setAttribute('aria-label', `Revoke task ${id.slice(0, 8)}`);
  button.addEventListener('click', () => void changeTasks(() => revoke(id)));
  head.append(status, button);
  line.append(head, document.createElement('p'));
  return line;
}

async function showTasks() {
  const response = await fetch('/v1/tasks?limit=8');
  if (!response.ok) return;
  const { counts, data } = await response.json();
  for (const cell of document.querySelectorAll('[data-count]'))
    cell.textContent = counts[cell.dataset.count];
  const list = byId('tasks');
  const lines = data.map((task) => {
    const line = byId(`task-${task.id}`) ?? taskLine(task.id);
    line.dataset.status = task.status;
    const [head, text] = line.children;
    head.firstChild.textContent = `${task.id.slice(0, 8)} ${task.status}`;
    head.lastChild.hidden = !['queued', 'running'].includes(task.status);
    const told = growing.has(task.id) ? `… ${growing.get(task.id)}` : task.input;
    text.textContent = task.error?.message ?? task.output_text ?? told;
    return line;
  });
  for (const old of list.querySelectorAll('li')) if (!lines.includes(old)) old.remove();
  // Moved only where the order differs: moving an element takes the focus from it.
  lines.forEach((line, index) => {
    if (list.children[index] !== line) list.insertBefore(line, list.children[index] ?? null);
  });
}

// The lifecycle.

const stateWords = {
  ready: 'ready',
  starting: 'starting',
  shutting_down: 'shutting down',
  gone: 'not reachable',
};

async function refresh() {
  let state = 'gone';
  let active = '–';
  try {
    const { status, active_streams } = await (await fetch('/ready')).json();
    [state, active] = [status, active_streams];
    if (state === 'ready') await showTasks();
  } catch {
    // Shown as not reachable; the next turn tries again.
  }
  const badge = byId('state');
  if (badge.dataset.state !== state) {
    badge.dataset.state = state;
    badge.textContent = stateWords[state] ?? state;
  }
  byId('active').textContent = active;
  setTimeout(() => void refresh(), refreshMs);
}

openSocket();
await refresh();
