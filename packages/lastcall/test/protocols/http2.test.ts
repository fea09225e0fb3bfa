import { behaves, http1Tls } from '../suite/index.ts';
import { http2Clear, http2Secure } from './support/http2-peer.ts';

const fixture = '../../protocols/fixtures/http2.ts';

behaves('http2', { fixture, driver: http2Clear });
behaves('http2 secure', { fixture, driver: http2Secure });
behaves('http2 with HTTP/1.1 fallback', { fixture, driver: http1Tls });
