import type { FastifyReply } from 'fastify';
import { ModelError } from '../model/provider.ts';
import type { Limits } from './receive.ts';
import { modelName, type ModelStore, type StoredModel } from './store.ts';

export interface ModelRouteParts {
  readonly store: ModelStore;
  readonly limits: Limits;
  /** Models that are not uploaded: they are listed, and their names are taken. */
  readonly own: readonly { readonly name: string; readonly type: string }[];
  readonly say: (line: string) => void;
}

export const conflict = (code: string, message: string): ModelError =>
  new ModelError({ status: 409, code }, message);

/** The name, if it may be uploaded under. */
export function uploadName(name: string, { own }: ModelRouteParts): string {
  if (own.some((model) => model.name === name))
    throw conflict('model_reserved', `'${name}' is the service's own model.`);
  if (modelName.test(name)) return name;
  throw new ModelError(
    { status: 400, code: 'invalid_value', param: 'name' },
    `name: expected up to 64 of a-z 0-9 . _ - with a letter or digit first, got ${JSON.stringify(name.slice(0, 80))}`,
  );
}

/** The Model object of the OpenAI API, and for an upload its size and digest. */
export const modelView = ({ name, bytes, sha256, createdAt }: StoredModel) => ({
  id: name,
  object: 'model',
  created: Math.floor(createdAt.getTime() / 1000),
  owned_by: 'uploaded',
  bytes,
  sha256,
});

export const ownView = ({ name, type }: { name: string; type: string }) => ({
  id: name,
  object: 'model',
  created: 0,
  owned_by: type,
});

/** Tells the digest of what the model's file holds (RFC 9530). */
export function tellDigest(reply: FastifyReply, { sha256 }: StoredModel): void {
  const text = Buffer.from(sha256, 'hex').toString('base64');
  void reply.header('repr-digest', `sha-256=:${text}:`);
}

/** Tells from where an upload can be resumed; the field names are those of the IETF's resumable uploads. */
export function tellOffset(reply: FastifyReply, offset: number): void {
  void reply.header('upload-offset', String(offset)).header('upload-complete', '?0');
}
