import http from 'node:http';
import stoppable from 'stoppable';
import { app } from '../common/app.ts';

let stopping = false;
const server = stoppable(http.createServer(app({ isReady: () => !stopping })), 4000);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stopping = true;
    server.stop(() => process.exit(0));
  });
}
server.listen(Number(process.env['PORT']), '127.0.0.1');
