// What a case is: one sentence a server is held to, and the attack that finds out.
import type { Need } from './config/needs.ts';
import type { Context } from './engine/context.ts';

/** MUST decides the result of a drill; SHOULD does so only with `--strict`. */
export type Level = 'MUST' | 'SHOULD';

export const areas = [
  'http1',
  'connections',
  'http2',
  'sse',
  'websocket',
  'grpc',
  'signals',
  'probes',
  'hooks',
  'deadlines',
  'exit',
  'reload',
  'jobs',
  'admin',
] as const;
export type Area = (typeof areas)[number];

export interface DrillCase {
  /** `area/name`, the same as the path of the case's file. */
  readonly slug: `${Area}/${string}`;
  readonly level: Level;
  /** What the server is held to, in one sentence. */
  readonly sentence: string;
  /** Where that sentence comes from: an RFC section, Kubernetes, the runbook. */
  readonly source: string;
  /** What the server must offer for the case to apply. */
  readonly needs: readonly Need[];
  /** True when one stop gives many promises, so that repeating it measures a loss rate. */
  readonly load?: boolean;
  /** True when the case only measures: it is never passed or failed. */
  readonly informational?: boolean;
  /** Throws CaseFailure when the server does not keep the sentence. */
  readonly run: (ctx: Context) => Promise<void>;
}

export function defineCase(definition: DrillCase): DrillCase {
  return definition;
}

/** The server did not keep the sentence. */
export class CaseFailure extends Error {
  override readonly name = 'CaseFailure';
  readonly expected: string;
  readonly actual: string;
  constructor(expected: string, actual: string) {
    super(`expected ${expected}; got ${actual}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** The sentence cannot be asked of this server or on this machine. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** The drill cannot go on: bad configuration or a server that does not start (exit code 2). */
export class DrillError extends Error {
  override readonly name = 'DrillError';
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
