import { behaves } from '../suite/index.ts';
import { sse, sseOverHttp2 } from './support/sse-peer.ts';

const fixture = '../../protocols/fixtures/sse-works.ts';

behaves('sse', { fixture, driver: sse });
behaves('sse over HTTP/2', { fixture, driver: sseOverHttp2 });
