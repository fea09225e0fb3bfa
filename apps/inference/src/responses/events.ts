import type { Event } from '@lastcall/handover';
import type { ApiErrorBody } from '../http/errors.ts';
import type { Delta, Finished } from '../works/generate.ts';
import {
  messageId,
  newMessage,
  newText,
  type ResponseObject,
  responseError,
  usage,
} from './response.ts';

/** One event of a response stream. */
export interface ResponseEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly [field: string]: unknown;
}

/** An event as it is kept: its number comes with its place. */
export interface KeptEvent {
  readonly type: string;
  readonly data: object;
}

const place = (response: ResponseObject) => ({
  item_id: messageId(response.id),
  output_index: 0,
  content_index: 0,
});

/** The events before the first delta. */
export function opening(response: ResponseObject): KeptEvent[] {
  const item = newMessage(response.id);
  return [
    { type: 'response.created', data: { response } },
    { type: 'response.in_progress', data: { response } },
    { type: 'response.output_item.added', data: { output_index: 0, item } },
    { type: 'response.content_part.added', data: { ...place(response), part: newText('') } },
  ];
}

/** How a text came to its end: by itself or at its limit, or by an error. */
export type Ending = Finished | { readonly text: string; readonly error: ApiErrorBody };

/** The response as it is in the end. */
export function ended(response: ResponseObject, ending: Ending): ResponseObject {
  const whole = 'finish' in ending && ending.finish.reason === 'stop';
  const status = 'error' in ending ? 'failed' : whole ? 'completed' : 'incomplete';
  const item = {
    ...newMessage(response.id),
    status: whole ? ('completed' as const) : ('incomplete' as const),
    content: [newText(ending.text)],
  };
  return {
    ...response,
    status,
    output: [item],
    error: 'error' in ending ? responseError(ending.error) : null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    usage: 'finish' in ending ? usage(ending.finish.inputTokens, ending.finish.outputTokens) : null,
  };
}

/** The events after the last delta. `response`: as `ended` made it. */
export function closing(response: ResponseObject): KeptEvent[] {
  const [item] = response.output;
  const [part] = item?.content ?? [];
  return [
    {
      type: 'response.output_text.done',
      data: { ...place(response), text: part?.text ?? '', logprobs: [] },
    },
    { type: 'response.content_part.done', data: { ...place(response), part } },
    { type: 'response.output_item.done', data: { output_index: 0, item } },
    { type: `response.${response.status}`, data: { response } },
  ];
}

/** Events after which nothing follows. */
export const isFinal = (type: string): boolean =>
  ['response.completed', 'response.incomplete', 'response.failed'].includes(type);

/** A kept event as clients get it. */
export function eventOf(id: string, { seq, type, data }: Event): ResponseEvent {
  const sequence_number = seq - 1;
  if (type !== 'delta') return { type, sequence_number, ...(data as object) };
  return {
    type: 'response.output_text.delta',
    sequence_number,
    item_id: messageId(id),
    output_index: 0,
    content_index: 0,
    delta: (data as Delta).text,
    logprobs: [],
  };
}
