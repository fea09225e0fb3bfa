import { behaves } from '../suite/index.ts';
import { grpc } from './support/grpc-peer.ts';

behaves('grpc', { fixture: '../../protocols/fixtures/grpc.ts', driver: grpc });
