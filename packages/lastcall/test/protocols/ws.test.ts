import { behaves } from '../suite/index.ts';
import { webSocket } from './support/ws-peer.ts';

behaves('ws', { fixture: '../../protocols/fixtures/ws.ts', driver: webSocket });
