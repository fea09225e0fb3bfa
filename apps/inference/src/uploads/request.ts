// What a PUT says about the bytes it brings: which part they are, and what they must add up to.
import type { IncomingHttpHeaders } from 'node:http';
import { ModelError } from '../model/provider.ts';

/** One PUT: a whole file, or one part of it. */
export interface UploadPart {
  /** Offset of the first byte. */
  readonly start: number;
  /** Bytes that this request has to bring; `undefined`: as many as come. */
  readonly length: number | undefined;
  /** Size of the whole file; `undefined` until its last byte has come. */
  readonly total: number | undefined;
  /** sha-256 of this request's bytes (Content-Digest), in hex. */
  readonly partDigest: string | undefined;
  /** sha-256 of the whole file (Repr-Digest), in hex. */
  readonly digest: string | undefined;
}

const bad = (param: string, message: string): ModelError =>
  new ModelError({ status: 400, code: 'invalid_header', param }, `${param}: ${message}`);

/** The sha-256 member of a digest field (RFC 9530 section 2); other algorithms are passed over, as it says. */
function sha256(headers: IncomingHttpHeaders, name: string): string | undefined {
  const text = [headers[name] ?? []].flat().join(',');
  const member = /(?:^|,)\s*sha-256=([^,]*)/.exec(text)?.[1];
  if (member === undefined) return undefined;
  const bytes = Buffer.from(/^:([A-Za-z0-9+/]+=*):\s*$/.exec(member)?.[1] ?? '', 'base64');
  if (bytes.length !== 32)
    throw bad(name, `expected sha-256=:BASE64 OF 32 BYTES:, got ${JSON.stringify(text)}`);
  return bytes.toString('hex');
}

/** `bytes FIRST-LAST/TOTAL` of a partial PUT (RFC 9110 section 14.5), or `bytes *\/TOTAL`: nothing is missing any more. */
function range(text: string): { start: number; length: number; total: number } {
  const match = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15})$/.exec(text);
  const total = Number(match?.[3]);
  const start = match?.[1] === undefined ? total : Number(match[1]);
  const end = match?.[2] === undefined ? total : Number(match[2]) + 1;
  if (!match || end > total || (match[1] !== undefined && start >= end))
    throw bad('content-range', `expected bytes FIRST-LAST/TOTAL, got ${JSON.stringify(text)}`);
  return { start, length: end - start, total };
}

/** Throws a {@link ModelError} with 400 or 415 for what cannot be understood. */
export function readPart(headers: IncomingHttpHeaders): UploadPart {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity')
    throw new ModelError(
      { status: 415, code: 'unsupported_content_encoding', param: 'content-encoding' },
      `content-encoding: expected the bytes as they are, got ${coding}`,
    );
  const digests = {
    partDigest: sha256(headers, 'content-digest'),
    digest: sha256(headers, 'repr-digest'),
  };
  const given = headers['content-length'];
  const length = given === undefined ? undefined : Number(given);
  const said = headers['content-range'];
  if (said === undefined) {
    const empty = length === undefined && headers['transfer-encoding'] === undefined;
    return { start: 0, length: empty ? 0 : length, total: empty ? 0 : length, ...digests };
  }
  const part = range(said);
  if (length !== undefined && length !== part.length)
    throw bad('content-range', `it names ${part.length} bytes, but the body has ${length}`);
  return { ...part, ...digests };
}
