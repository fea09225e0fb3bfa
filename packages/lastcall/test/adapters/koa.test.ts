import { behaves, behavesAsFramework, http1 } from '../suite/index.ts';

behaves('koa', { fixture: 'koa.ts', driver: http1 });
behavesAsFramework('koa', { fixture: 'koa.ts' });
