// PUT /v1/models/{name}: the whole file, or with Content-Range (RFC 9110 section 14.5) the part that an
// earlier PUT did not bring. How many bytes there are is told by the file's size and by nothing else.
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiError, sendError, shuttingDown } from '../http/errors.ts';
import { leaseFor } from '../http/lease.ts';
import { ModelError } from '../model/provider.ts';
import { readHeader, writeHeader } from './header.ts';
import type { Claim } from './partial.ts';
import { CutError, receive, tooLarge } from './receive.ts';
import { readPart, type UploadPart } from './request.ts';
import {
  conflict,
  type ModelRouteParts,
  modelView,
  tellDigest,
  tellOffset,
  uploadName,
} from './views.ts';

type Named = FastifyRequest<{ Params: { name: string } }>;

/** The upload that a part belongs to, at the part's first byte. Throws what is in its way. */
async function begin(
  { store, limits }: ModelRouteParts,
  name: string,
  part: UploadPart,
  reply: FastifyReply,
): Promise<Claim> {
  if (Math.max(part.total ?? 0, part.length ?? 0) > limits.maxBytes)
    throw tooLarge(limits.maxBytes);
  const claim = await store.uploads.claim(name, part.start === 0);
  if (claim === 'held') {
    void reply.header('retry-after', '1');
    const message = `Another request uploads '${name}' now. Try again when it has ended.`;
    throw conflict('upload_in_progress', message);
  }
  if (claim && part.start === 0) {
    try {
      await claim.file.truncate(0);
      await writeHeader(claim.file, {
        name,
        bytes: part.total ?? null,
        sha256: part.digest ?? null,
      });
      return claim;
    } catch (error) {
      await claim.drop();
      throw error;
    }
  }
  const offset = (await claim?.offset()) ?? 0;
  const known = claim && (await readHeader(claim.file));
  const same =
    known !== undefined &&
    (known.bytes ?? part.total) === part.total &&
    (known.sha256 === null || part.digest === undefined || known.sha256 === part.digest);
  if (claim && same && offset === part.start) return claim;
  await claim?.keep();
  tellOffset(reply, offset);
  throw offset === part.start
    ? conflict('upload_differs', `The unfinished upload of '${name}' has another size or digest.`)
    : conflict(
        'upload_offset_mismatch',
        `${offset} bytes of '${name}' have come: go on from there, not from ${part.start}.`,
      );
}

/** Resolves to whether the file is complete; otherwise, and when it throws, the claim is given up. */
async function write(
  { limits }: ModelRouteParts,
  claim: Claim,
  part: UploadPart,
  request: Named,
): Promise<boolean> {
  try {
    await receive(claim, request.body as IncomingMessage, part, limits, leaseFor(request).signal);
  } catch (error) {
    const tooMuch = error instanceof ModelError && error.status === 413;
    await (tooMuch ? claim.drop() : claim.keep());
    throw error;
  }
  if (part.total === undefined || (await claim.offset()) === part.total) return true;
  await claim.keep();
  return false;
}

function tell(error: unknown, reply: FastifyReply) {
  // The rest of the body is not read.
  void reply.header('connection', 'close');
  if (error instanceof CutError)
    return sendError(
      reply,
      error.silent
        ? apiError(408, 'upload_silent', 'No bytes came for a long time. Resume the upload.')
        : shuttingDown,
    );
  // EFBIG: larger than a file may be here.
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '');
  if (full) return sendError(reply, apiError(507, 'storage_full', 'The disk is full.'));
  throw error;
}

export function putRoute(app: FastifyInstance, parts: ModelRouteParts): void {
  const { store, limits, say } = parts;
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body is read by the handler, as it comes.
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

    scope.put('/v1/models/:name', async (request: Named, reply) => {
      leaseFor(request).kind = 'upload';
      void reply.header('upload-limit', `max-size=${limits.maxBytes}`);
      const name = uploadName(request.params.name, parts);
      const part = readPart(request.headers);
      request.body ??= request.raw;
      const claim = await begin(parts, name, part, reply);
      try {
        if (!(await write(parts, claim, part, request))) {
          const bytes = part.start + (part.length ?? 0);
          tellOffset(reply, bytes);
          return reply.code(202).send({ id: name, object: 'model.upload', bytes });
        }
      } catch (error) {
        tellOffset(reply, (await store.uploads.offset(name)) ?? 0);
        return tell(error, reply);
      }
      const published = await store.publish(claim, name, part.digest);
      if (!published)
        throw new ModelError(
          { status: 400, code: 'digest_mismatch', param: 'repr-digest' },
          'The file does not have the sha-256 that Repr-Digest names. It was dropped: begin at byte 0.',
        );
      say(`model '${name}' was uploaded: ${published.model.bytes} bytes`);
      tellDigest(reply, published.model);
      void reply.header('location', `/v1/models/${name}`).header('upload-complete', '?1');
      return reply.code(published.replaced ? 200 : 201).send(modelView(published.model));
    });
  });
}
