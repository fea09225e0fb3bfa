import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { ModelError } from '../model/provider.ts';
import { headerBytes } from './header.ts';
import type { Claim } from './partial.ts';
import type { UploadPart } from './request.ts';
import { writeWhole } from './write.ts';

export interface Limits {
  /** Of a whole file. */
  readonly maxBytes: number;
  /** A client that sends nothing for so long is cut; what it sent is kept. */
  readonly idleMs: number;
}

/** The body broke off: its client went, fell silent, or was not waited for any longer. */
export class CutError extends Error {
  readonly silent: boolean;

  constructor(message: string, silent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.silent = silent;
  }
}

export const tooLarge = (maxBytes: number): ModelError =>
  new ModelError(
    { status: 413, code: 'model_too_large' },
    `The model is larger than ${maxBytes} bytes (MODEL_UPLOAD_MAX_BYTES).`,
  );

/**
 * Writes the body behind what is there. Throws {@link CutError}, whose bytes are kept, or a
 * {@link ModelError}; what a part with a wrong digest brought is taken off again.
 */
export async function receive(
  claim: Claim,
  body: Readable,
  part: UploadPart,
  { maxBytes, idleMs }: Limits,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  const least = part.start + (part.length ?? 0);
  const most = part.length === undefined ? maxBytes : least;
  let at = part.start;
  for await (const chunk of cutting(body, idleMs, signal)) {
    if (at + chunk.length > most)
      throw part.length === undefined
        ? tooLarge(maxBytes)
        : new ModelError(
            { status: 400, code: 'invalid_header' },
            'The body is longer than the part.',
          );
    await writeWhole(claim.file, chunk, headerBytes + at);
    hash.update(chunk);
    at += chunk.length;
  }
  if (at < least)
    throw new ModelError(
      { status: 400, code: 'invalid_header' },
      'The body is shorter than the part.',
    );
  if (part.partDigest === undefined || hash.digest('hex') === part.partDigest) return;
  await claim.file.truncate(headerBytes + part.start);
  throw new ModelError(
    { status: 400, code: 'digest_mismatch', param: 'content-digest' },
    'The bytes of this part do not have the sha-256 that Content-Digest names. Send the part again.',
  );
}

async function* cutting(
  body: Readable,
  idleMs: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined); // it may be decided when nobody waits
  const timer = setTimeout(() => reject(new CutError('The client was silent.', true)), idleMs);
  const stop = (): void => reject(new CutError('The work was cancelled.', false));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = chunks.next().catch((cause: unknown) => {
        throw new CutError('The client went.', false, { cause });
      });
      const { done, value } = await Promise.race([next, promise]);
      if (done) return;
      timer.refresh();
      yield value;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
