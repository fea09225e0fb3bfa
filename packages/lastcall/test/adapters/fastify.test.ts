import { behaves, http1 } from '../suite/index.ts';

behaves('fastify', { fixture: 'fastify.ts', driver: http1 });
