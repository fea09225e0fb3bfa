import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import {
  loadInference,
  type PredictPart,
  type PredictRequest,
  type PredictResponse,
} from '../../src/grpc/definition.ts';
import type { ServiceProcess } from './service.ts';

type Callback<T> = (error: ServiceError | null, value?: T) => void;
interface Methods {
  predict(
    request: Partial<PredictRequest>,
    metadata: Metadata,
    options: { deadline?: number },
    callback: Callback<PredictResponse>,
  ): { cancel(): void };
  streamPredict(
    request: Partial<PredictRequest>,
    options?: { deadline?: number },
  ): ClientReadableStream<PredictPart>;
}

/** A client of its own connection, which sends no call again, not even one that was not processed. */
export type InferenceClient = Client & Methods;

export function inferenceClient(address: string): InferenceClient {
  const { Client } = loadInference();
  const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 };
  return new Client(address, credentials.createInsecure(), options) as unknown as InferenceClient;
}

/** Where a service that was started with GRPC_PORT listens for gRPC. */
export const grpcAddress = async (service: ServiceProcess): Promise<string> =>
  (await service.printed(/gRPC on (\S+)/))[1] ?? '';

export function predict(
  client: InferenceClient,
  request: Partial<PredictRequest>,
  deadline?: number,
): Promise<PredictResponse> {
  const options = deadline === undefined ? {} : { deadline };
  return new Promise((resolve, reject) => {
    client.predict(request, new Metadata(), options, (error, value) =>
      value ? resolve(value) : reject(error ?? new Error('no answer')),
    );
  });
}

export interface Reading {
  readonly parts: PredictPart[];
  /** Resolves when so many parts have come. */
  readonly came: (count: number) => Promise<void>;
  /** Resolves with the error that ended it, if any. */
  readonly ended: Promise<ServiceError | undefined>;
}

export function read(stream: ClientReadableStream<PredictPart>): Reading {
  const parts: PredictPart[] = [];
  let wake = Promise.withResolvers<void>();
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    stream.on('error', (error: ServiceError) => resolve(error));
    stream.on('end', () => resolve(undefined));
  });
  stream.on('data', (part: PredictPart) => {
    parts.push(part);
    wake.resolve();
    wake = Promise.withResolvers();
  });
  return {
    parts,
    ended,
    came: async (count) => {
      while (parts.length < count) await wake.promise;
    },
  };
}

export const textOf = (parts: readonly PredictPart[]): string =>
  parts.map((part) => ('delta' in part ? part.delta : '')).join('');

/** `grpc.health.v1`, byte for byte: field 1 of the answer is 1 for SERVING and 2 for NOT_SERVING. */
export function health(client: Client, service = ''): Promise<'SERVING' | 'NOT_SERVING'> {
  const name = Buffer.from(service);
  const request = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : name;
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, request, (error, answer) =>
      error ? reject(error) : resolve(answer?.[1] === 1 ? 'SERVING' : 'NOT_SERVING'),
    );
  });
}

export interface Reflected {
  readonly listServicesResponse?: { service: { name: string }[] };
  readonly fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
}

const proto = join(
  dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json')),
  'build/proto/grpc/reflection/v1/reflection.proto',
);

/** One question to the reflection service, in its own protocol. */
export async function reflect(address: string, question: object): Promise<Reflected> {
  const asking = await openReflection(address, question);
  asking.close();
  return asking.answer;
}

export interface Asking {
  readonly answer: Reflected;
  /** Resolves with the error that ended the stream, if any. */
  readonly ended: Promise<ServiceError | undefined>;
  readonly close: () => void;
}

/** A stream to the reflection service that stays open after its first answer. */
export async function openReflection(address: string, question: object): Promise<Asking> {
  const { grpc } = loadPackageDefinition(loadSync(proto)) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: ServiceClientConstructor } } };
  };
  const { ServerReflection } = grpc.reflection.v1;
  const client = new ServerReflection(address, credentials.createInsecure());
  const ask = client['serverReflectionInfo']?.bind(client) as () => ClientDuplexStream<
    object,
    Reflected
  >;
  const call = ask();
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    call.on('error', (error: ServiceError) => resolve(error));
    call.on('end', () => resolve(undefined));
  });
  call.write(question);
  const [answer] = (await once(call, 'data')) as [Reflected];
  call.resume();
  const close = (): void => {
    call.end();
    client.close();
  };
  return { answer, ended, close };
}
