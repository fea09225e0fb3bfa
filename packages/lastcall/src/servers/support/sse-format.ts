import { wrongOption } from './peer-options.ts';

const LINE_END = /\r\n|\r|\n/;

/** One event of a stream (the event stream format of the HTML standard). */
export interface SseEvent {
  /** The text of the event; anything else is sent as JSON. */
  data?: unknown;
  /** Name of the event; the client's default is `message`. */
  event?: string;
  /** What the client sends back as `Last-Event-ID` when it connects again. */
  id?: string | number;
  /** How long the client waits before it connects again, in ms. */
  retryMs?: number;
}

/** The lines of an event. Throws `ERR_LASTCALL_OPTION` for a field that would break the format. */
export function formatEvent({ data, event, id, retryMs }: SseEvent): string {
  let text = '';
  if (retryMs !== undefined) text += `retry: ${wholeMs(retryMs)}\n`;
  if (event !== undefined) text += `event: ${oneLine('event', event)}\n`;
  if (id !== undefined) text += `id: ${oneLine('id', String(id))}\n`;
  if (data !== undefined) text += dataLines(asText(data));
  return `${text}\n`;
}

export const formatComment = (text: string): string =>
  `${text
    .split(LINE_END)
    .map((line) => `: ${line}`)
    .join('\n')}\n\n`;

/** Most events have one line; to look for its end is cheaper than to split. */
function dataLines(text: string): string {
  if (!text.includes('\n') && !text.includes('\r')) return `data: ${text}\n`;
  return text
    .split(LINE_END)
    .map((line) => `data: ${line}\n`)
    .join('');
}

const asText = (data: unknown): string =>
  typeof data === 'string' ? data : (JSON.stringify(data) ?? '');

function oneLine(field: string, text: string): string {
  // Clients ignore an id with a NUL.
  if (/[\r\n\0]/.test(text)) throw wrongOption(field, 'a text of one line', text);
  return text;
}

function wholeMs(ms: number): number {
  if (!Number.isFinite(ms) || ms < 0) throw wrongOption('retryMs', 'a number of milliseconds', ms);
  return Math.round(ms);
}
