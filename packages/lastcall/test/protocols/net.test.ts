import { behaves } from '../suite/index.ts';
import { tcp } from './support/tcp-peer.ts';

behaves(
  'net',
  { fixture: '../../protocols/fixtures/net.ts', driver: tcp },
  {
    'probes answer to the end':
      'A protocol of the user has no probes; an HTTP server on the same lifecycle answers them.',
  },
);
