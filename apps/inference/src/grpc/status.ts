import { Metadata, type StatusObject, status as Code } from '@grpc/grpc-js';
import { LastcallError } from 'lastcall';
import { type ApiError, toApiError } from '../http/errors.ts';

/** The gRPC code of each HTTP status that the service has (the others are UNKNOWN). */
const codes: Record<number, Code> = {
  400: Code.INVALID_ARGUMENT,
  404: Code.NOT_FOUND,
  409: Code.ABORTED,
  413: Code.INVALID_ARGUMENT,
  422: Code.INVALID_ARGUMENT,
  429: Code.RESOURCE_EXHAUSTED,
  500: Code.INTERNAL,
  502: Code.UNAVAILABLE,
  503: Code.UNAVAILABLE,
};

/** What a trailer can hold, beside the others that a client takes: printable ASCII, and not much of it. */
const isTrailer = (text: string): boolean => /^[\x20-\x7e]{1,200}$/.test(text);
/** They are written in percent signs, which half a character cannot be. */
const detailsOf = ({ error }: ApiError): string => error.message.slice(0, 1_000).toWellFormed();

/** Any error as a gRPC client is told it; the trailer `error-code` has the code that HTTP clients get. */
export function statusOf(error: unknown): Partial<StatusObject> & { code: Code; details: string } {
  const told: ApiError = toApiError(error);
  const metadata = new Metadata();
  const { code } = told.error;
  const details = detailsOf(told);
  if (code !== null && isTrailer(code)) metadata.set('error-code', code);
  // Begun and cut, like every call that the library itself has to cut: a retry is the client's decision.
  if (error instanceof LastcallError) return { code: Code.DEADLINE_EXCEEDED, details, metadata };
  const waitMs = Number(told.retryAfter) * 1000;
  if (waitMs > 0) metadata.set('grpc-retry-pushback-ms', String(waitMs));
  return { code: codes[told.status] ?? Code.UNKNOWN, details, metadata };
}
