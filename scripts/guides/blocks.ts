// The TypeScript of the guides, and what each piece leaves to its reader.
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Block {
  /** The guide and the place of the block in it: `frameworks-3`. */
  name: string;
  text: string;
  /** A whole service, which can be started. */
  whole: boolean;
}

/** Names that a block takes for granted. */
const GIVEN: Readonly<Record<string, string>> = {
  'frameworks-0': `
    import 'lastcall/fastify';
    declare const app: import('fastify').FastifyInstance, upstream: string;`,
  'frameworks-1': `
    import { attachExpress } from 'lastcall/express';
    declare const lifecycle: import('lastcall').Lifecycle, app: import('express').Express;
    declare const sql: string, query: (sql: string, options: { signal: AbortSignal | undefined }) => Promise<void>;`,
  'frameworks-6': `const build = (signal: AbortSignal) => ({ aborted: signal.aborted });`,
  'frameworks-7': `
    import { attachHttp } from 'lastcall/http';
    declare const lifecycle: import('lastcall').Lifecycle;
    declare const publicServer: import('node:http').Server, internalServer: import('node:http').Server;`,
  'grpc-0': `
    import { makeGenericClientConstructor, type UntypedServiceImplementation } from '@grpc/grpc-js';
    const text = { requestSerialize: Buffer.from, responseSerialize: Buffer.from, requestDeserialize: String, responseDeserialize: String };
    const greeter = makeGenericClientConstructor({ greet: { path: '/g.G/Greet', requestStream: false, responseStream: false, ...text } } as never, 'G').service as import('@grpc/grpc-js').ServiceDefinition<UntypedServiceImplementation>;`,
  'handover-0': `declare const nextToken: (input: unknown, state: { text: string }) => string | undefined;`,
  'handover-1': `
    import 'lastcall/fastify';
    declare const app: import('fastify').FastifyInstance, handover: import('@lastcall/handover').Handover;`,
  'handover-2': `
    declare const job: import('@lastcall/handover').Job, to: string;
    declare const handover: import('@lastcall/handover').Handover;`,
  'jobs-0': `
    import { Redis } from 'ioredis';
    declare const lifecycle: import('lastcall').Lifecycle;
    declare const send: (data: unknown, signal: AbortSignal) => Promise<void>;`,
  'jobs-1': `
    import * as amqplib from 'amqplib';
    declare const lifecycle: import('lastcall').Lifecycle, connectionString: string, url: string;
    declare const boss: import('pg-boss').PgBoss;
    declare const send: (data: unknown, signal: AbortSignal) => Promise<void>;`,
  'moving-1': `
    import { serveStreams } from '@lastcall/handover';
    import { attachSse } from 'lastcall/sse';
    declare const handover: import('@lastcall/handover').Handover, lifecycle: import('lastcall').Lifecycle;
    declare const request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse;
    declare const id: string;`,
  'moving-2': `
    import { attachWs } from 'lastcall/ws';
    import type { WebSocket, WebSocketServer } from 'ws';
    interface Talk { next: number }
    declare const lifecycle: import('lastcall').Lifecycle, wss: WebSocketServer;`,
  'pools-0': `declare const lifecycle: import('lastcall').Lifecycle, connectionString: string;`,
  'pools-1': `
    import { drizzle } from 'drizzle-orm/node-postgres';
    import { createPool } from 'lastcall/pg';
    declare const lifecycle: import('lastcall').Lifecycle, connectionString: string;`,
  'pools-2': `
    import { Redis } from 'ioredis';
    declare const lifecycle: import('lastcall').Lifecycle;`,
  'pools-3': `
    import { createPool } from 'lastcall/pg';
    declare const lifecycle: import('lastcall').Lifecycle, connectionString: string;
    declare const PrismaPg: new (pool: import('pg').Pool) => object;
    declare const PrismaClient: new (options: { adapter: object }) => object;`,
  'pools-4': `
    import { createLifecycle } from 'lastcall';
    declare const up: boolean;`,
};

/** Every TypeScript block of the README and the guides. */
export function blocks(): Block[] {
  return ['README.md', ...globSync('docs/guides/*.md', { cwd: root }).sort()].flatMap((file) =>
    [...readFileSync(root + file, 'utf8').matchAll(/```ts\n([^]*?)```/g)].map(
      ([, code = ''], index): Block => {
        const name = `${basename(file, '.md')}-${index}`;
        const whole = code.includes('createLifecycle(') && code.includes('handleSignals()');
        return { name, text: `${GIVEN[name] ?? ''}\n${code}\nexport {};\n`, whole };
      },
    ),
  );
}
