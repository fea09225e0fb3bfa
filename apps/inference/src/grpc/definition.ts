import { join } from 'node:path';
import {
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { appFolder } from '../config.ts';

export interface PredictRequest {
  readonly model: string;
  readonly input: string;
  readonly instructions: string;
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  readonly minOutputTokens?: number;
  readonly seed?: number;
}

export interface Finish {
  readonly reason: 'STOP' | 'LENGTH';
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface PredictResponse {
  readonly model: string;
  readonly outputText: string;
  readonly finish: Finish;
}

export type PredictPart = { readonly sequenceNumber: number } & (
  | { readonly delta: string }
  | { readonly finish: Finish }
);

/** `proto/inference.proto`, as the server, its reflection and its clients need it. */
export function loadInference(): {
  readonly definition: PackageDefinition;
  readonly service: ServiceDefinition;
  readonly Client: ServiceClientConstructor;
} {
  const definition = loadSync(join(appFolder, 'proto', 'inference.proto'), {
    defaults: true,
    enums: String,
    longs: Number,
    oneofs: true,
  });
  const lastcall = loadPackageDefinition(definition).lastcall as GrpcObject;
  const { v1 } = lastcall.inference as { v1: { Inference: ServiceClientConstructor } };
  return { definition, service: v1.Inference.service, Client: v1.Inference };
}
