import type { ServiceDefinition } from '@grpc/grpc-js';

/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
export const SERVING = 1;
export const NOT_SERVING = 2;
export const SERVICE_UNKNOWN = 3;

export interface HealthRequest {
  service: string;
}

export interface HealthResponse {
  status: number;
}

/** The service of health.proto: two messages of one field each, so they are encoded by hand. */
export const healthDefinition = {
  Check: method('Check', false),
  Watch: method('Watch', true),
} satisfies ServiceDefinition;

function method(name: string, responseStream: boolean) {
  return {
    path: `/grpc.health.v1.Health/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: ({ service }: HealthRequest): Buffer => encodeService(service),
    requestDeserialize: decodeRequest,
    responseSerialize: ({ status }: HealthResponse): Buffer =>
      status === 0 ? Buffer.alloc(0) : Buffer.from([STATUS, status]),
    responseDeserialize: (bytes: Buffer): HealthResponse => ({ status: bytes[1] ?? 0 }),
  };
}

/** Field 1, length-delimited (protobuf wire type 2). */
const SERVICE = 0x0a;
/** Field 1, a varint (wire type 0). */
const STATUS = 0x08;

function encodeService(service: string): Buffer {
  const text = Buffer.from(service);
  if (text.length === 0) return text;
  return Buffer.concat([Buffer.from([SERVICE, ...varint(text.length)]), text]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function decodeRequest(bytes: Buffer): HealthRequest {
  if (bytes[0] !== SERVICE) return { service: '' };
  let length = 0;
  let at = 1;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[at] ?? 0;
    at += 1;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return { service: bytes.subarray(at, at + length).toString() };
}
