import type { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import type {
  handleUnaryCall,
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

const RUNNING = Symbol('lastcall.running');

/** A call, and the stream that carries it: fields, since a WeakMap is dear to the garbage collector. */
interface Held {
  [RUNNING]?: RunningCall;
}

/** The lease of a call; undefined for calls of health and reflection. */
export const leaseOfCall = (call: object): Lease | undefined => (call as Held)[RUNNING]?.lease;

export interface Admission {
  /** Whether its calls have one request and one answer: these are no streams, and emit no errors. */
  unary: boolean;
  admit: () => Lease | Refusal;
  refused: (refusal: Refusal) => Status;
}

/** Admits each call of a handler, and ends its lease when its status has been sent. */
export function admitCalls(handler: Handler, { unary, admit, refused }: Admission): Handler {
  return (call, callback) => {
    const admission = admit();
    if (!admission.admitted) return sendStatus(call, callback, refused(admission));
    const running = new RunningCall(call, callback, admission);
    running.listen(unary);
    const answer: Callback | undefined = callback && ((...args) => running.answer(args));
    try {
      return (handler as handleUnaryCall<unknown, unknown>)(call as never, answer as Callback);
    } catch (error) {
      admission.end('failed');
      throw error;
    }
  };
}

/** The stream of a call has closed, if it carries one. */
export function endCall(stream: ServerHttp2Stream): void {
  (stream as Held)[RUNNING]?.closed();
}

/** One admitted call: how it is answered, and when its lease ends. */
export class RunningCall {
  readonly lease: Lease;
  readonly #call: AnyCall;
  readonly #callback: Callback | undefined;
  readonly #stream: ServerHttp2Stream | undefined;
  #silenced = false;
  #failed: Partial<Status> | undefined;
  #first: Outcome | undefined;

  constructor(call: AnyCall, callback: Callback | undefined, lease: Lease) {
    this.lease = lease;
    this.#call = call;
    this.#callback = callback;
    this.#stream = streamOf(call);
    lease.owner = this;
    (call as Held)[RUNNING] = this;
    if (this.#stream) (this.#stream as Held)[RUNNING] = this;
  }

  /** One function for all calls, and none that cannot be called: they cost more than all the rest. */
  listen(unary: boolean): void {
    const events: EventEmitter = this.#call;
    // A client that goes closes the stream; one whose deadline passes may let it open.
    if (!this.#stream || this.#call.getDeadline() !== Infinity) events.on('cancelled', onCancelled);
    if (!unary) events.on('error', onError);
    if (!this.#callback) events.on('finish', onFinish);
  }

  /** The handler's own answer to a call that has one. */
  answer(args: Parameters<Callback>): void {
    if (this.#silenced) return;
    this.#callback?.(...args);
    this.end(outcomeOf(args[0]));
  }

  /** Answers a call whose handler did not; what the handler answers later goes nowhere. */
  refuse(status: Status): void {
    this.#silenced = true;
    sendStatus(this.#call, this.#callback, status);
    this.end('failed');
  }

  /** Ends the lease with the first outcome, when the stream of the call has been flushed and closed. */
  end(outcome: Outcome): void {
    this.#first ??= outcome;
    if (!this.#stream || this.#stream.closed) this.lease.end(this.#first);
    else if (outcome === 'cancelled' && this.#first === outcome) this.lease.end(outcome);
  }

  failed(error: Partial<Status>): void {
    this.#failed = error;
  }

  finished(): void {
    this.end(outcomeOf(this.#failed));
  }

  closed(): void {
    this.lease.end(this.#first ?? 'cancelled');
  }
}

/** It comes after the status too, when it changes nothing any more. */
function onCancelled(this: object): void {
  (this as Held)[RUNNING]?.end('cancelled');
}

function onError(this: object, error: Partial<Status>): void {
  (this as Held)[RUNNING]?.failed(error);
}

/** A writable call has sent its status when it has finished. */
function onFinish(this: object): void {
  (this as Held)[RUNNING]?.finished();
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

export function sendStatus(call: AnyCall, callback: Callback | undefined, status: Status): void {
  if (callback) callback(status, null);
  else (call as ServerWritableStream<unknown, unknown>).emit('error', status);
}

function outcomeOf(error: Partial<Status> | null | undefined): Outcome {
  const code = error ? (error.code ?? UNKNOWN) : OK;
  return FAULTS.has(code) ? 'failed' : 'completed';
}
