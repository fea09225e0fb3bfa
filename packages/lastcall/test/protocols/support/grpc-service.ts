import type { ServiceDefinition } from '@grpc/grpc-js';

export interface Text {
  text: string;
  bytes?: number;
}

const serialize = ({ text, bytes }: Text): Buffer =>
  bytes === undefined ? Buffer.from(text) : Buffer.alloc(bytes, 'x');
const deserialize = (bytes: Buffer): Text =>
  bytes.length > 65_536 ? { text: '', bytes: bytes.length } : { text: bytes.toString() };

const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: serialize,
  requestDeserialize: deserialize,
  responseSerialize: serialize,
  responseDeserialize: deserialize,
});

/** The four kinds of calls; messages are plain text. */
export const works = {
  unary: method('/test.Works/Unary', false, false),
  upload: method('/test.Works/Upload', true, false),
  stream: method('/test.Works/Stream', false, true),
  chat: method('/test.Works/Chat', true, true),
} satisfies ServiceDefinition;
