import { behaves, behavesAsFramework, http1, http1Tls } from '../suite/index.ts';

behaves('express', { fixture: 'express.ts', driver: http1 });
behavesAsFramework('express', { fixture: 'express.ts' });
behaves('express over TLS', { fixture: 'express.ts', driver: http1Tls });
