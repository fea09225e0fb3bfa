import { toApiError } from '../http/errors.ts';
import type { GenerationPart } from '../model/provider.ts';
import { newMessage, newText, type ResponseObject, responseError, usage } from './response.ts';

/** One event of a response stream. */
export interface ResponseEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly [field: string]: unknown;
}

/**
 * The events of one response, numbered from 0, in the order of the OpenAI API. `response` is kept up
 * to date, so an event has to be written out before the next one is taken. An error of the model, or the deadline
 * of a shutdown, is told by a final `response.failed`; when the client has gone there is nobody to tell.
 */
export async function* responseEvents(
  response: ResponseObject,
  parts: AsyncIterable<GenerationPart>,
  isClientGone: (error: unknown) => boolean,
): AsyncGenerator<ResponseEvent> {
  let sequence = 0;
  const event = (type: string, fields: object): ResponseEvent => ({
    type,
    sequence_number: sequence++,
    ...fields,
  });
  const item = newMessage();
  const part = newText();
  const place = { item_id: item.id, output_index: 0, content_index: 0 };

  yield event('response.created', { response });
  yield event('response.in_progress', { response });
  response.output.push(item);
  yield event('response.output_item.added', { output_index: 0, item });
  item.content.push(part);
  yield event('response.content_part.added', { ...place, part });

  let final = 'response.completed';
  item.status = 'completed';
  response.status = 'completed';
  try {
    for await (const given of parts) {
      if (given.type === 'delta') {
        part.text += given.text;
        yield event('response.output_text.delta', { ...place, delta: given.text, logprobs: [] });
        continue;
      }
      response.usage = usage(given.inputTokens, given.outputTokens);
      if (given.reason === 'stop') continue;
      final = 'response.incomplete';
      response.status = 'incomplete';
      response.incomplete_details = { reason: 'max_output_tokens' };
      item.status = 'incomplete';
    }
  } catch (error) {
    if (isClientGone(error)) return;
    final = 'response.failed';
    response.status = 'failed';
    response.error = responseError(toApiError(error).error);
    item.status = 'incomplete';
  }
  yield event('response.output_text.done', { ...place, text: part.text, logprobs: [] });
  yield event('response.content_part.done', { ...place, part });
  yield event('response.output_item.done', { output_index: 0, item });
  yield event(final, { response });
}
