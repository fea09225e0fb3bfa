import { behaves } from '../suite/index.ts';
import { socketIo, socketIoPolling } from './support/socketio-peer.ts';

const fixture = '../../protocols/fixtures/socketio.ts';

behaves('socket.io', { fixture, driver: socketIo });
behaves('socket.io over long polling', { fixture, driver: socketIoPolling });
