// The pattern of docs/guides/nextjs.md, but for one `export`, around an application that is built here.
import { rmSync } from 'node:fs';
import { after, before } from 'node:test';
import { behaves, behavesAsFramework, http1 } from '../suite/index.ts';
import { buildNextApp, newNextApp } from './support/nextjs-app.ts';

const { folder, standalone } = newNextApp();
const env = { NEXTJS_APP: standalone };
before(() => buildNextApp(folder));
after(() => rmSync(folder, { recursive: true, force: true }));

behaves('next.js', { fixture: 'nextjs.ts', driver: http1, env });
behavesAsFramework('next.js', { fixture: 'nextjs.ts', env });
