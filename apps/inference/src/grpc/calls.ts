import { once } from 'node:events';
import {
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  status as Code,
} from '@grpc/grpc-js';
import type { Lifecycle } from 'lastcall';
import { leaseOf } from 'lastcall/grpc';
import { z } from 'zod';
import { generationFields, toGenerateRequest } from '../http/generation.ts';
import { type GenerationPart, ModelError, type ModelProvider } from '../model/provider.ts';
import type { Finish, PredictPart, PredictRequest, PredictResponse } from './definition.ts';
import { statusOf } from './status.ts';

export interface CallParts {
  readonly lifecycle: Lifecycle;
  readonly provider: ModelProvider;
  readonly defaultModel: string;
  readonly say: (line: string) => void;
}

type Unary = ServerUnaryCall<PredictRequest, PredictResponse>;
type Streaming = ServerWritableStream<PredictRequest, PredictPart>;
type FinishPart = Extract<GenerationPart, { type: 'finish' }>;

const finishOf = ({ reason, inputTokens, outputTokens }: FinishPart): Finish => ({
  reason: reason === 'stop' ? 'STOP' : 'LENGTH',
  inputTokens,
  outputTokens,
});

/** The fields' names in messages are those of the proto file, which are those of the HTTP API. */
const request = z.strictObject(generationFields);

/** Predict and StreamPredict. */
export function makeCalls({ lifecycle, provider, defaultModel, say }: CallParts) {
  async function begin(call: Unary | Streaming, stream: boolean) {
    if (lifecycle.state === 'starting')
      throw new ModelError(
        { status: 503, code: 'server_starting', retryAfter: '1' },
        'The server is starting. Try again soon.',
      );
    const lease = leaseOf(call);
    if (!lease) throw new Error(`${call.getPath()} reached its handler without a lease.`);
    if (stream) lease.kind = 'stream';
    const { request: given } = call;
    const fields = request.parse({
      input: given.input,
      model: given.model || undefined,
      instructions: given.instructions || undefined,
      temperature: given.temperature,
      max_output_tokens: given.maxOutputTokens,
      min_output_tokens: given.minOutputTokens,
      seed: given.seed,
    });
    const wanted = toGenerateRequest(fields, defaultModel);
    const parts = await provider.start(wanted, lease.signal);
    return { model: wanted.model, parts, signal: lease.signal };
  }

  function told(call: Unary | Streaming, error: unknown) {
    const status = statusOf(error);
    if (status.code === Code.INTERNAL)
      say(`${call.getPath()}: ${(error as Error).stack ?? String(error)}`);
    return status;
  }

  async function predict(call: Unary, callback: sendUnaryData<PredictResponse>): Promise<void> {
    try {
      const { model, parts } = await begin(call, false);
      let outputText = '';
      let finish: Finish | undefined;
      for await (const part of parts) {
        if (part.type === 'delta') outputText += part.text;
        else finish = finishOf(part);
      }
      if (!finish) throw new Error('The model gave no finish.');
      callback(null, { model, outputText, finish });
    } catch (error) {
      callback(told(call, error));
    }
  }

  async function streamPredict(call: Streaming): Promise<void> {
    try {
      const { parts, signal } = await begin(call, true);
      let sequenceNumber = 0;
      for await (const part of parts) {
        const message = part.type === 'delta' ? { delta: part.text } : { finish: finishOf(part) };
        // A slow reader slows the model down; what waits for it does not grow.
        if (!call.write({ sequenceNumber, ...message })) await drained(call, signal);
        sequenceNumber += 1;
      }
      call.end();
    } catch (error) {
      call.emit('error', told(call, error));
    }
  }

  return {
    predict: (call: Unary, callback: sendUnaryData<PredictResponse>): void =>
      void predict(call, callback),
    streamPredict: (call: Streaming): void => void streamPredict(call),
  };
}

async function drained(call: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  try {
    await once(call, 'drain', { signal });
  } catch {
    signal.throwIfAborted();
  }
}
