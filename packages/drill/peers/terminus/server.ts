import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTerminus } from '@godaddy/terminus';
import { app } from '../common/app.ts';

const server = http.createServer(app());
createTerminus(server, {
  signals: ['SIGTERM', 'SIGINT'],
  timeout: 4000,
  healthChecks: { '/ready': () => Promise.resolve() },
  beforeShutdown: () => sleep(500),
  useExit0: true,
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
