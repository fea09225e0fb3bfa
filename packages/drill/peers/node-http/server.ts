import http from 'node:http';
import { app } from '../common/app.ts';

let stopping = false;
const server = http.createServer(app({ isReady: () => !stopping }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stopping = true;
    server.close(() => process.exit(0));
  });
}
server.listen(Number(process.env['PORT']), '127.0.0.1');
