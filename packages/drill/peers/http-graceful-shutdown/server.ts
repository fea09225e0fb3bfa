import http from 'node:http';
import gracefulShutdown from 'http-graceful-shutdown';
import { app } from '../common/app.ts';

let stopping = false;
const server = http.createServer(app({ isReady: () => !stopping }));
gracefulShutdown(server, {
  timeout: 4000,
  preShutdown: () => {
    stopping = true;
    return Promise.resolve();
  },
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
