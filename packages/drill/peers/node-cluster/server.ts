import cluster, { type Worker } from 'node:cluster';
import http from 'node:http';
import { app } from '../common/app.ts';

if (cluster.isPrimary) {
  const start = (): Promise<Worker> => {
    const worker = cluster.fork();
    return new Promise((resolve) => {
      worker.once('listening', () => resolve(worker));
    });
  };
  let workers = await Promise.all([start(), start()]);
  const reload = async (): Promise<void> => {
    const old = workers;
    workers = await Promise.all([start(), start()]);
    for (const worker of old) worker.disconnect();
  };
  process.on('SIGHUP', () => void reload());
  process.on('SIGTERM', () => {
    for (const worker of workers) worker.send('stopping');
    cluster.disconnect(() => process.exit(0));
  });
} else {
  let stopping = false;
  process.on('message', () => {
    stopping = true;
  });
  http
    .createServer(app({ isReady: () => !stopping }))
    .listen(Number(process.env['PORT']), '127.0.0.1');
}
