import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface StreamEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly delta?: string;
  readonly response?: {
    readonly id: string;
    readonly status: string;
    readonly error: { code: string; message: string } | null;
    readonly output: { content: { text: string }[] }[];
  };
}

export interface TaskView {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly seed: number;
  readonly output_text: string | null;
}

export async function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/**
 * The status of an operator's call. It has a connection of its own: one that was idle when a drain
 * began is closed soon after, and `fetch` may choose just that moment to send on it.
 */
export async function operate(url: string): Promise<number | undefined> {
  const [answer] = (await once(
    request(url, { method: 'POST', agent: false }).end(),
    'response',
  )) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

/** The events of a stream, split here by hand: the service's own reader is not what judges it. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const [event = '', data = ''] = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const parsed = JSON.parse(data.replace(/^data: /, '')) as StreamEvent;
      if (event !== `event: ${parsed.type}`) throw new Error(`${event} carries ${parsed.type}`);
      yield parsed;
    }
  }
  if (text !== '') throw new Error(`the stream ended inside an event: ${text}`);
}

/** A stream under way: the first `count` deltas have come. */
export async function streamUntil(
  url: string,
  body: object,
  count: number,
): Promise<{ events: StreamEvent[]; rest: Promise<StreamEvent[]> }> {
  const stream = eventsOf(await post(`${url}/v1/responses`, { ...body, stream: true }));
  const events: StreamEvent[] = [];
  const take = async (): Promise<boolean> => {
    const { value, done } = await stream.next();
    if (!done) events.push(value);
    return !done;
  };
  const deltas = (): number => events.filter(({ type }) => type.endsWith('.delta')).length;
  while (deltas() < count) if (!(await take())) throw new Error('the stream ended too early');
  const rest = (async () => {
    while (await take());
    return events;
  })();
  return { events, rest };
}

/** Resolves when the service says that so many pieces of work are in flight. */
export async function untilActive(url: string, count: number): Promise<void> {
  while (true) {
    const answer = await fetch(`${url}/v1/streams/active-count`);
    const { active_streams } = (await answer.json()) as { active_streams: number };
    if (active_streams === count) return;
    await sleep(10);
  }
}

export async function addTask(url: string, body: object): Promise<TaskView> {
  const response = await post(`${url}/v1/tasks`, body);
  if (response.status !== 202)
    throw new Error(`POST /v1/tasks answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as TaskView;
}

export async function getTask(url: string, id: string): Promise<TaskView> {
  return (await (await fetch(`${url}/v1/tasks/${id}`)).json()) as TaskView;
}

/** Asks again until the task has the status; the test's own time limit ends it otherwise. */
export async function untilTask(url: string, id: string, status: string): Promise<TaskView> {
  while (true) {
    const task = await getTask(url, id);
    if (task.status === status) return task;
    if (['done', 'failed', 'revoked'].includes(task.status))
      throw new Error(`task ${id} is ${task.status}, expected ${status}`);
    await sleep(25);
  }
}
