import http from 'node:http';
import { createHttpTerminator } from 'http-terminator';
import { app } from '../common/app.ts';

let stopping = false;
const server = http.createServer(app({ isReady: () => !stopping }));
const terminator = createHttpTerminator({ server, gracefulTerminationTimeout: 4000 });
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stopping = true;
    void terminator.terminate().then(() => process.exit(0));
  });
}
server.listen(Number(process.env['PORT']), '127.0.0.1');
