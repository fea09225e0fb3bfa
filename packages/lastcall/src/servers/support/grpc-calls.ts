import type { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import type {
  handleUnaryCall,
  Metadata,
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  StatusObject,
} from '@grpc/grpc-js';
import type { Lease } from '../../ledger/lease.ts';
import type { Refusal } from '../../ledger/ledger.ts';
import type { Outcome } from '../../ledger/outcome.ts';

export type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerReadableStream<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;
export type Callback = sendUnaryData<unknown>;
/** Streams are called without a callback. */
export type Handler = (call: AnyCall, callback?: Callback) => unknown;
export type Status = Partial<StatusObject> & { code: number; details: string };

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: the server's own faults. */
const FAULTS = new Set([2, 4, 12, 13, 14, 15]);
const OK = 0;
const UNKNOWN = 2;

/** How one admitted call is answered when its handler does not. */
export interface Running {
  refuse(status: Status): void;
}

const leases = new WeakMap<object, Lease>();

/** The lease of a call; undefined for calls of the health service. */
export const leaseOfCall = (call: object): Lease | undefined => leases.get(call);

/** Admits each call of a handler, and ends its lease when its status has been sent. */
export function admitCalls(
  handler: Handler,
  admit: () => Lease | Refusal,
  refusal: (refused: Refusal) => Status,
): Handler {
  return (call, callback) => {
    const admission = admit();
    if (!admission.admitted) return sendStatus(call, callback, refusal(admission));
    leases.set(call, admission);
    const end = endWithStream(call, admission);
    let silenced = false;
    const running: Running = {
      refuse(status) {
        silenced = true;
        sendStatus(call, callback, status);
        end('failed');
      },
    };
    admission.owner = running;
    const answer: Callback | undefined =
      callback &&
      ((error, value, trailer?: Metadata, flags?: number) => {
        if (silenced) return;
        callback(error, value, trailer, flags);
        end(outcomeOf(error));
      });
    watch(call, end);
    try {
      return (handler as handleUnaryCall<unknown, unknown>)(call as never, answer as Callback);
    } catch (error) {
      admission.end('failed');
      throw error;
    }
  };
}

function watch(call: EventEmitter, end: (outcome: Outcome) => void): void {
  let failed: Partial<Status> | undefined;
  call.on('error', (error: Partial<Status>) => {
    failed = error;
  });
  // A writable call has sent its status when it has finished.
  call.on('finish', () => end(outcomeOf(failed)));
  // It comes after the status too, when it changes nothing any more.
  call.on('cancelled', () => end('cancelled'));
}

/** Ends the lease with the first outcome, when the stream of the call has been flushed and closed. */
function endWithStream(call: AnyCall, lease: Lease): (outcome: Outcome) => void {
  const stream = streamOf(call);
  let first: Outcome | undefined;
  stream?.once('close', () => lease.end(first ?? 'cancelled'));
  return (outcome) => {
    first ??= outcome;
    if (!stream || stream.closed) lease.end(first);
    else if (outcome === 'cancelled' && first === outcome) lease.end(first);
  };
}

/** grpc-js keeps the stream behind its interceptors; without it a call ends with its status. */
function streamOf(call: AnyCall): ServerHttp2Stream | undefined {
  let link = Reflect.get(call, 'call') as Link | undefined;
  while (link && !link.stream) link = link.nextCall;
  return link?.stream;
}

interface Link {
  stream?: ServerHttp2Stream;
  nextCall?: Link;
}

function sendStatus(call: AnyCall, callback: Callback | undefined, status: Status): void {
  if (callback) callback(status, null);
  else (call as ServerWritableStream<unknown, unknown>).emit('error', status);
}

function outcomeOf(error: Partial<Status> | null | undefined): Outcome {
  const code = error ? (error.code ?? UNKNOWN) : OK;
  return FAULTS.has(code) ? 'failed' : 'completed';
}
