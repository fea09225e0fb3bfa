export { ERRORS, HandoverError, type HandoverErrorCode, isPassing } from './errors.ts';
export { type Handover, openHandover } from './handover.ts';
export type { Job } from './job.ts';
export type { HandoverOptions } from './options.ts';
export type { Deliver, Delivery } from './outbox.ts';
export type { Handler, HandlerOptions } from './runner.ts';
export { serveStreams, type ServedStreams, type ServeStreamsOptions } from './serve-streams.ts';
export type { Event, Tail, WorkState } from './tail.ts';
export type { AddOptions, Work } from './work.ts';
