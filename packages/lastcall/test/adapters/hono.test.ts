import { behaves, behavesAsFramework, http1 } from '../suite/index.ts';

behaves('hono', { fixture: 'hono.ts', driver: http1 });
behavesAsFramework('hono', { fixture: 'hono.ts' });
