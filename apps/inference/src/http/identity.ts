import { createHash, randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

/** Names a client, so that it finds what it is owed wherever it connects. It is no secret and proves nothing. */
export const clientId = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'expected 1 to 200 printable ASCII characters without spaces');

const header = z
  .string()
  .regex(/^[\x20-\x7e]{1,200}$/, 'expected 1 to 200 printable ASCII characters');

/** The `Idempotency-Key` header: a request sent again with the same key is the same work. */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  return z
    .object({ 'idempotency-key': header.optional() })
    .parse({ 'idempotency-key': request.headers['idempotency-key'] })['idempotency-key'];
}

/** 32 hexadecimal digits: those of the key, which are the sender's own; random ones without a key. */
export function idDigits(request: FastifyRequest): string {
  const key = idempotencyKey(request);
  if (key === undefined) return randomUUID().replaceAll('-', '');
  const sender = request.headers.authorization ?? '';
  return createHash('sha256').update(`${sender}\n${key}`).digest('hex').slice(0, 32);
}
