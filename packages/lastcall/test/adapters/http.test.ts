import { behaves, http1, http1Tls } from '../suite/index.ts';

behaves('http', { fixture: 'http.ts', driver: http1 });
behaves('https', { fixture: 'http.ts', driver: http1Tls });
