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
  // As in the documentation of worker.disconnect(): a kill for the worker that does not end.
  const retire = (worker: Worker): void => {
    worker.send('stopping');
    worker.disconnect();
    setTimeout(() => worker.process.kill('SIGKILL'), 4000).unref();
  };
  const reload = async (): Promise<void> => {
    const old = workers;
    workers = await Promise.all([start(), start()]);
    old.forEach(retire);
  };
  process.on('SIGHUP', () => void reload());
  // No exit here: the callback of cluster.disconnect() comes before the workers have ended.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      workers.forEach(retire);
    });
  }
} else {
  // A signal to the whole process group is the primary's to act on.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  let stopping = false;
  process.on('message', () => {
    stopping = true;
  });
  http
    .createServer(app({ isReady: () => !stopping }))
    .listen(Number(process.env['PORT']), '127.0.0.1');
}
